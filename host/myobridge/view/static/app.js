// The page: what the server says goes in, what there is to see is drawn, and the wearer's orders go out.

import { fit } from "./canvas.js";
import { drawHand } from "./hand.js";
import { Socket } from "./socket.js";
import { Spectra } from "./spectra.js";
import { Traces } from "./traces.js";

const STALE_MS = 1000, SPECTRA_MS = 90, HAND_MS = 30, GLIDE_PER_S = 16, CHANNEL_COLOURS = 8, HUM_DB = 15;
const CONFIRM_MS = { arm: 4000, disarm: 1000, estop: 1000 };
const CONTACTS = { good: "good contact", flat: "flat", saturated: "saturated", mains: "mains hum only" };
const $ = (id) => document.getElementById(id);
const traces = new Traces($("emg")), spectra = new Spectra($("spectrum"));
let look = null, lookAt = -Infinity, control = false, port = "", viewDrops = 0, colours = {};
let shown = { applied: [], predicted: [] }, prompt = null;

// --- what the server says ---

const socket = new Socket({
  hello(message) {
    control = message.control;
    port = message.port;
    write($("source"), port);
    $("controls").hidden = !control;
    $("control-off").hidden = control;
  },
  link(message) {
    if (!message.up) away("NO DAEMON", message.text);
    else if (!look) away("WAITING", message.text);
  },
  look({ snapshot }) {
    look = snapshot;
    lookAt = performance.now();
    connection("live", true);
    showState(look.state, look.explained);
    const blocked = look.state === "DISARMED" && look.blocked ? `It cannot be armed now: ${look.blocked}.` : "";
    showNote(look.note || (control ? blocked : ""));
    showChannels();
    showGauges();
    write($("source"), `${port} · ${look.model}`);
  },
  emg(message) { traces.push(message, performance.now()); },
  lines(message) {
    spectra.push(message);
    showBands(message);
  },
  answer({ do: what, ok, text }) {
    clearTimeout(unconfirmed[what]);
    say(text, !ok);
  },
  dropped({ messages }) { viewDrops = messages; },
  prompt(message) { showPrompt(message); },
  closed() { away("NO CONNECTION", "The view has ended or cannot be reached; this page comes back by itself."); },
});

function connection(text, live = false) {
  write($("connection"), text);
  $("connection").classList.toggle("live", live);
}

function away(name, text) {
  look = null;
  connection("not live");
  showState(name, text);
  showNote("");
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showState(name, text) {
  document.body.dataset.state = name.replace(" ", "-");
  write($("state-name"), name);
  write($("state-text"), text);
  const title = `${name} · myobridge`;
  if (document.title !== title) document.title = title;
}

// --- notes: an answer stays for a while, then what the daemon says comes back ---

let saidUntil = 0;

function say(text, bad) {
  saidUntil = performance.now() + 6000;
  write($("note"), text);
  $("note").classList.toggle("bad", bad);
}

function showNote(text) {
  if (performance.now() < saidUntil) return;
  write($("note"), text);
  $("note").classList.remove("bad");
}

// --- lists ---

// Makes `list` have an item for each name; `fill` builds the inside of a new item.
function items(list, names, fill) {
  if (list.dataset.names !== names.join("\n")) {
    list.dataset.names = names.join("\n");
    list.replaceChildren(...names.map((name) => {
      const item = document.createElement("li");
      fill(item, name);
      return item;
    }));
  }
  return [...list.children];
}

function add(parent, tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return parent.appendChild(element);
}

function showChannels() {
  const rows = items($("channels"), look.channels, (item, name) => {
    add(item, "i", "light");
    add(item, "b", "", name);
    add(item, "span", "");
  });
  rows.forEach((item, i) => {
    const verdict = look.contact[i];
    item.classList.toggle("bad", verdict !== "good");
    write(item.lastChild, CONTACTS[verdict] ?? verdict);
  });
}

function showBands({ mains_db: mainsDb, mains_hz: mainsHz }) {
  const names = look?.channels ?? mainsDb.map((_, i) => `${i + 1}`);
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

function showFingers(applied, predicted) {
  const names = look?.servos ?? [];
  if (!names.length) return;
  const rows = items($("fingers"), names, (item, name) => {
    add(item, "span", "", name);
    const meter = add(item, "div", "meter");
    Object.entries({ role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 180 })
      .forEach(([key, value]) => meter.setAttribute(key, value));
    add(meter, "i", "");
    add(meter, "b", "");
    add(item, "output", "");
  });
  rows.forEach((item, i) => {
    const [, meter, output] = item.children;
    const servo = Math.round(applied[i] ?? 0), wanted = Math.round(predicted[i] ?? servo);
    meter.firstChild.style.transform = `scaleX(${servo / 180})`;
    meter.lastChild.style.transform = `translateX(${wanted / 1.8}%)`;
    meter.setAttribute("aria-valuenow", servo);
    meter.setAttribute("aria-valuetext", `servo ${servo} degrees, predicted ${wanted} degrees`);
    write(output, `${servo}°`);
  });
}

function showGauges() {
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

function showPrompt(message) {
  prompt = message.title ? message : null;
  $("prompt").hidden = !prompt;
  if (!prompt) return;
  write($("prompt-title"), message.title);
  write($("prompt-text"), message.text ?? "");
  $("prompt-progress").hidden = message.progress == null;
  $("prompt-progress").value = message.progress ?? 0;
  write($("prompt-seconds"), message.seconds_left == null ? "" : `${Math.ceil(message.seconds_left)} s`);
}

// --- orders ---

const unconfirmed = {};

function order(what) {
  const name = what.toUpperCase();
  if (!control) return say(`Control is off in this view: ${name} was not sent.`, true);
  if (!socket.order(what)) return say(`${name} WAS NOT SENT: no connection. Switch the servo power off.`, true);
  clearTimeout(unconfirmed[what]);
  const late = () => say(`${name} is not confirmed: switch the servo power off if the hand is not safe.`, true);
  unconfirmed[what] = setTimeout(late, CONFIRM_MS[what]);
}

$("arm").onclick = () => order("arm");
$("disarm").onclick = () => order("disarm");
$("estop").onpointerdown = () => order("estop");
$("estop").onclick = (event) => event.detail === 0 && order("estop"); // Enter and assistive technology; pointers came first
for (const kind of ["keydown", "keyup"]) {
  window.addEventListener(kind, (event) => {
    const stop = event.key === "Escape" || event.code === "Space";
    if (!stop || (!control && event.code === "Space")) return;
    event.preventDefault(); // Space must not press whichever button has the focus
    if (kind === "keydown" && !event.repeat) order("estop");
  }, { capture: true });
}

// --- colours ---

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["panel", "line", "muted", "bad", "mains", "palm", "near", "far", "predicted"];
  colours = Object.fromEntries(names.map((name) => [name, colour(name)]));
  colours.channels = Array.from({ length: CHANNEL_COLOURS }, (_, i) => colour(`channel-${i}`));
}

const dark = matchMedia("(prefers-color-scheme: dark)");

function setTheme() {
  document.documentElement.dataset.theme = localStorage.theme ?? (dark.matches ? "dark" : "light");
  readColours();
}

dark.onchange = setTheme;
$("theme").onclick = () => {
  localStorage.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  setTheme();
};
setTheme();

// --- drawing ---

// Glides from the angles that are shown to the newest ones, which come 25 times a second.
function glide(from, to, seconds) {
  const share = 1 - Math.exp(-GLIDE_PER_S * seconds);
  return to.map((angle, i) => (from[i] ?? angle) + share * (angle - (from[i] ?? angle)));
}

function cells() {
  const frame = $("bands").getBoundingClientRect();
  return [...$("bands").children].map((item) => {
    const { x, y, width, height } = item.getBoundingClientRect();
    return { x: x - frame.x, y: y - frame.y, width, height };
  });
}

function drawHandIfMoved() {
  fit($("hand"));
  const { width, height } = $("hand");
  const key = [width, height, colours.near, shown.applied.map(Math.round), "|", shown.predicted.map(Math.round)].join();
  if (key === drawHandIfMoved.last) return;
  drawHandIfMoved.last = key;
  drawHand($("hand"), colours, shown.applied, shown.predicted);
  showFingers(shown.applied, shown.predicted);
}

let frameAt = performance.now(), spectraAt = frameAt, handAt = frameAt, frames = 0, framesSince = frameAt;

function frame(now) {
  const seconds = Math.min(0.1, (now - frameAt) / 1000);
  frameAt = now;
  const stale = now - traces.heardAt > STALE_MS;
  $("emg-card").classList.toggle("stale", stale);
  if (look && now - lookAt > STALE_MS) away("NO DAEMON", "The daemon is silent.");
  traces.draw(colours, seconds, look?.contact.map((verdict) => verdict === "good") ?? []);
  if (now - spectraAt > SPECTRA_MS) {
    spectra.draw(colours, (now - spectraAt) / 1000, cells());
    spectraAt = now;
  }
  if (now - handAt > HAND_MS && look) {
    const since = (now - handAt) / 1000;
    handAt = now;
    shown = { applied: glide(shown.applied, look.applied_deg, since), predicted: glide(shown.predicted, look.predicted_deg, since) };
  }
  drawHandIfMoved();
  if (prompt) {
    fit($("prompt-hand"));
    drawHand($("prompt-hand"), colours, prompt.angles_deg ?? [], []);
  }
  frames += 1;
  if (now - framesSince > 1000) {
    write($("fps"), `${Math.round((1000 * frames) / (now - framesSince))} frames/s`);
    write($("emg-scale"), `±${traces.half} counts, ${(traces.spanS ?? 0).toFixed(1)} s`);
    [frames, framesSince] = [0, now];
  }
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
