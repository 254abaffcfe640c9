// The page's lists and gauges.

import { $, add, items, write } from "./dom.js";

const HUM_DB = 15;
export const CONTACTS = {
  good: "good contact",
  flat: "flat",
  saturated: "saturated",
  mains: "mains hum only",
  repeating: "repeating",
  identical: "same as another",
};

export function showChannels({ channels, contact }) {
  const rows = items($("channels"), channels, (item, name) => {
    add(item, "i", "light");
    add(item, "b", "", name);
    add(item, "span", "");
  });
  rows.forEach((item, i) => {
    const verdict = contact[i];
    item.classList.toggle("bad", verdict !== "good");
    write(item.lastChild, CONTACTS[verdict] ?? verdict);
  });
}

export function showBands({ mains_db: mainsDb, mains_hz: mainsHz }, names) {
  const cells = items($("bands"), names, (item, name) => {
    add(item, "b", "", name);
    add(item, "span", "");
  });
  cells.forEach((item, i) => {
    const hums = mainsDb[i] > HUM_DB;
    item.classList.toggle("bad", hums);
    write(item.lastChild, hums ? `hum +${Math.round(mainsDb[i])} dB` : "little hum");
  });
  write($("spectrum-scale"), `mains ${mainsHz} Hz and multiples marked`);
}

// isCurrent: a hand is connected; otherwise the bars stay and show no angles. truth: the wearer's own fingers, in the demo.
export function showFingers(names, applied, predicted, isCurrent, truth) {
  const rows = items($("fingers"), names, (item, name) => {
    add(item, "span", "", name);
    const meter = add(item, "div", "meter");
    Object.entries({ role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 180 })
      .forEach(([key, value]) => meter.setAttribute(key, value));
    add(meter, "i", "");
    add(meter, "b", "");
    add(meter, "u", "diamond");
    add(item, "span", "angle");
  });
  rows.forEach((item, i) => {
    const [, meter, angle] = item.children;
    const servo = Math.round(applied[i] ?? 0), wanted = Math.round(predicted[i] ?? servo);
    meter.firstChild.style.transform = `scaleX(${servo / 180})`;
    meter.children[1].style.transform = `translateX(${wanted / 1.8}%)`;
    meter.lastChild.hidden = !truth?.length;
    if (truth?.length) meter.lastChild.style.left = `${truth[i] / 1.8}%`;
    meter.setAttribute("aria-valuenow", servo);
    meter.setAttribute("aria-valuetext", isCurrent ? `servo ${servo} degrees, predicted ${wanted} degrees` : "unknown");
    write(angle, isCurrent ? `${servo}°` : "–");
  });
}

export function showGauges(look, viewDrops) {
  const number = (value) => value.toLocaleString("en").replaceAll(",", " ");
  const gauge = (id, text, bad = false) => {
    write($(id), text);
    $(id).classList.toggle("bad", bad);
  };
  const all = look.samples_received + look.samples_lost;
  const share = all ? ` (${((100 * look.samples_lost) / all).toFixed(2)} %)` : "";
  gauge("latency-p50", look.latency_ms.p50?.toFixed(2) ?? "–");
  gauge("latency-p99", look.latency_ms.p99?.toFixed(2) ?? "–");
  gauge("samples-lost", look.samples_lost ? number(look.samples_lost) + share : "none", look.samples_lost > 0);
  gauge("crc-errors", look.crc_errors ? number(look.crc_errors) : "none", look.crc_errors > 0);
  gauge("commands-sent", number(look.commands_sent));
  gauge("write-drops", look.write_drops ? number(look.write_drops) : "none", look.write_drops > 0);
  const drops = look.feed_drops + viewDrops;
  gauge("view-drops", drops ? number(drops) : "none", drops > 0);
  gauge("reconnects", number(look.reconnects), look.reconnects > 0);
  gauge("fs-hz", `${look.fs_hz.toFixed(1)} Hz`);
}
