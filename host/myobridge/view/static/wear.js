// The wearer's page: state, control, calibration, models, diary. It gets no EMG, so it is light on the network.

import { noteModel, connectAsides, showFindings, showModels, showWeek, want } from "./asides.js";
import { isCalibrating, showCalibration } from "./calibrate.js";
import { calmly } from "./calm.js";
import { fit } from "./canvas.js";
import { connectControl, showHolder } from "./control.js";
import { $, connection, write } from "./dom.js";
import { drawHand } from "./hand.js";
import { changed, showNote } from "./notes.js";
import { answered, connectOrders, showOrders } from "./orders.js";
import { CONTACTS } from "./panels.js";
import { Socket } from "./socket.js";
import { colours } from "./theme.js";

const STALE_MS = 2000;
const TABS = ["hand", "calibrate", "models", "week"];
let look = null, lookAt = -Infinity, control = false;

const socket = new Socket({
  hello(message) {
    control = message.control;
    connectOrders((what, seenS) => socket.order(what, seenS), control);
    connectControl((wish) => socket.send(wish), control);
    connectAsides((wish) => socket.send(wish));
    openTab();
  },
  holder(message) { calmly("holder", () => showHolder(message)); },
  link({ up, text }) {
    if (!up) away("NO DAEMON", text);
    else if (!look) away("WAITING", text);
  },
  look({ snapshot }) {
    const before = look;
    look = snapshot;
    lookAt = performance.now();
    showLook(before);
  },
  answer(message) {
    answered(message);
    if (["undo", "model"].includes(message.do)) want("models");
  },
  models: showModels,
  week: showWeek,
  findings: showFindings,
  closed() { away("NO CONNECTION", "The hand's computer cannot be reached; this page tries again by itself."); },
  unpaired(why) {
    away("NOT PAIRED", "This phone cannot reach the hand.");
    write($("pairing-text"), why);
    for (const tab of document.querySelectorAll(".tab")) tab.hidden = tab.id !== "pairing";
    $("bar").hidden = true;
  },
}, "light");

function away(name, text) {
  connection("not live");
  showState(name, text);
  if (look) changed(name);
  look = null;
  calmly("orders", () => showOrders(null));
  showCalibration(null);
  showNote("");
  $("supply").hidden = true;
  write($("contact"), "Electrodes: no data.");
}

function showState(name, text) {
  document.body.dataset.state = name.replace(" ", "-");
  write($("state-name"), name);
  write($("state-text"), text);
  const title = `${name} · myobridge`;
  if (document.title !== title) document.title = title;
}

function showLook(before) {
  connection("live", true);
  showState(look.acting ? "SHOWING" : look.state, look.explained);
  if (look.state !== before?.state) changed(look.state);
  calmly("orders", () => showOrders(look));
  const blocked = control && look.state === "DISARMED" && look.blocked;
  const note = look.note || (blocked ? `The hand cannot be armed now: ${look.blocked}.` : "");
  showNote(isCalibrating(look) ? "" : note); // the calibration says what matters to it, and the pose needs the room
  showCalibration(look);
  showContact();
  showSupply();
  write($("model-name"), `Model: ${look.model}`);
  noteModel(look.model);
  drawIfMoved();
}

function showContact() {
  const bad = look.channels.map((name, i) => [name, look.contact[i]]).filter(([, verdict]) => verdict !== "good");
  const said = bad.map(([name, verdict]) => `${name} is ${CONTACTS[verdict] ?? verdict}`);
  write($("contact"), bad.length ? `Electrodes: ${said.join(", ")}. Press them on.` : "Electrodes: all have good contact.");
  $("contact").classList.toggle("weak", bad.length > 0);
}

function showSupply() {
  const volts = look.supply_mv / 1000;
  $("supply").hidden = !look.supply_mv;
  write($("volts"), `${volts.toFixed(1)} V`);
}

function drawIfMoved() {
  if (!look?.applied_deg.length || $("tab-hand").hidden) return;
  fit($("hand"));
  const { width, height } = $("hand");
  const key = [width, height, colours.near, ...look.applied_deg.map(Math.round)].join();
  if (key === drawIfMoved.last) return;
  drawIfMoved.last = key;
  drawHand($("hand"), colours, look.applied_deg, []);
}

function openTab() {
  const named = location.hash.slice(2), open = TABS.includes(named) ? named : "hand";
  for (const tab of TABS) {
    $(`tab-${tab}`).hidden = tab !== open;
    const link = document.querySelector(`nav [href="#/${tab}"]`);
    if (tab === open) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (open === "models" || open === "week") want(open);
  drawIfMoved();
}

$("signals").search = location.search;
window.addEventListener("hashchange", () => {
  openTab();
  scrollTo(0, 0);
});
openTab();
setInterval(() => {
  if (look && performance.now() - lookAt > STALE_MS) away("NO DAEMON", "The daemon is silent.");
}, 500);
