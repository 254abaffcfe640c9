// The page: takes the server's messages and draws the hand, the EMG and the state.

import { fit } from "./canvas.js";
import { showFaults, showWearer } from "./demo.js";
import { connectControl, showHolder } from "./control.js";
import { $, connection, write } from "./dom.js";
import { drawHand, glide } from "./hand.js";
import { changed, showNote } from "./notes.js";
import { answered, connectOrders, showOrders } from "./orders.js";
import { showBands, showChannels, showFingers, showGauges } from "./panels.js";
import { Socket } from "./socket.js";
import { connectFilter, scaleText, setUnits, showFilter, showScope } from "./scope.js";
import { Spectra } from "./spectra.js";
import { colours } from "./theme.js";
import { Traces } from "./traces.js";

$("remote").search = location.search;

const STALE_MS = 1000, SPECTRA_MS = 90, HAND_MS = 30;
const CROWDED = "Too many pages are open, so this page shows no EMG. Its buttons work.";
const traces = new Traces($("emg")), spectra = new Spectra($("spectrum"));
let look = null, lookAt = -Infinity, control = false, port = "", viewDrops = 0;
let shown = { applied: [], predicted: [] }, servos = [];
let names = null, good = []; // of a board without a daemon
let wearer = null; // of the demo: the newest message about the simulated hand

// --- messages of the server ---

const socket = new Socket({
  hello(message) {
    control = message.control;
    $("remote").hidden = !control;
    port = message.port;
    write($("source"), port);
    if (!message.emg) write($("emg-veil"), CROWDED);
    document.body.classList.toggle("scope", Boolean(message.scope));
    connectFilter((choice) => socket.send(choice));
    connectOrders((what, seen_s) => socket.order(what, seen_s), control);
    connectControl((wish) => socket.send(wish), control);
  },
  link(message) {
    const isScope = document.body.classList.contains("scope");
    if (!message.up) away(isScope ? "NO BOARD" : "NO DAEMON", message.text);
    else if (isScope) listening(message.text);
    else if (!look) away("WAITING", message.text);
  },
  look({ snapshot }) {
    const before = look?.state;
    look = snapshot;
    servos = look.servos;
    lookAt = performance.now();
    connection("live", true);
    showState(look.state, look.explained);
    if (look.state !== before) changed(look.state);
    showOrders(look);
    const blocked = look.state === "DISARMED" && look.blocked ? `The hand cannot be armed now: ${look.blocked}.` : "";
    showNote(look.note || (control ? blocked : ""));
    showChannels(look);
    showGauges(look, viewDrops);
    write($("source"), `${port} · ${look.model}`);
  },
  emg(message) { traces.push(message, performance.now()); },
  lines(message) {
    spectra.push(message);
    showBands(message, look?.channels ?? names ?? message.mains_db.map((_, i) => `${i + 1}`));
  },
  answer(message) { answered(message); },
  holder(message) { showHolder(message); },
  unpaired(why) { showState("NOT PAIRED", why); },
  dropped({ messages }) { viewDrops = messages; },
  units(message) { setUnits(message); },
  filtered(message) { showFilter(message); },
  scope(message) {
    names = message.channels;
    good = message.contact.map((verdict) => verdict === "good");
    showScope(message);
  },
  prompt(message) { showPrompt(message); },
  faults(message) { showFaults(message, (press) => socket.send(press)); },
  wearer(message) {
    wearer = message;
    showWearer(message);
  },
  closed() {
    wearer = null;
    away("NO CONNECTION", "The view has ended or cannot be reached; this page reconnects by itself.");
    showPrompt({ title: "" });
  },
});

function away(name, text) {
  connection("not live");
  showState(name, text);
  if (look) changed(name);
  look = null;
  showOrders(null);
  showNote("");
}

// A board without a daemon streams.
function listening(text) {
  connection("live", true);
  showState("LISTENING", text);
}

function showState(name, text) {
  document.body.dataset.state = name.replace(" ", "-");
  write($("state-name"), name);
  write($("state-text"), text);
  const title = `${name} · myobridge`;
  if (document.title !== title) document.title = title;
}

function showPrompt(message) {
  $("prompt").hidden = !message.title;
  if (!message.title) return;
  write($("prompt-title"), message.title);
  write($("prompt-text"), message.text ?? "");
  $("prompt-progress").hidden = message.progress == null;
  $("prompt-progress").value = message.progress ?? 0;
  write($("prompt-seconds"), message.seconds_left == null ? "" : `${Math.ceil(message.seconds_left)} s`);
  $("prompt-trial").hidden = !message.trial;
  $("prompt-trial").search = location.search;
  fit($("prompt-hand"));
  drawHand($("prompt-hand"), colours, message.angles_deg ?? [], []);
}

// --- drawing ---

function cells() {
  const frame = $("bands").getBoundingClientRect();
  return [...$("bands").children].map((item) => {
    const { x, y, width, height } = item.getBoundingClientRect();
    const head = item.lastChild.getBoundingClientRect().bottom - y;
    const isSeen = y < innerHeight && y + height > 0;
    return { x: x - frame.x, y: y - frame.y, width, height, head, isSeen };
  });
}

// Whether a hand is connected, so that the angles are current. The demo sees its hand without a connection.
const isCurrent = () => wearer !== null || (look !== null && look.state !== "LOST");

function drawHandIfMoved() {
  fit($("hand"));
  const { width, height } = $("hand");
  const key = [width, height, colours.near, isCurrent(), shown.applied.map(Math.round), "|", shown.predicted.map(Math.round), "|",
    wearer?.truth_deg.map(Math.round)].join();
  if (key === drawHandIfMoved.last) return;
  drawHandIfMoved.last = key;
  drawHand($("hand"), colours, shown.applied, shown.predicted);
  showFingers(servos, shown.applied, shown.predicted, isCurrent(), wearer?.truth_deg);
}

let frameAt = performance.now(), spectraAt = frameAt, handAt = frameAt, frames = 0, framesSince = frameAt;

function frame(now) {
  const seconds = Math.min(0.1, (now - frameAt) / 1000);
  frameAt = now;
  const stale = now - traces.heardAt > STALE_MS;
  for (const card of ["emg-card", "spectrum-card"]) $(card).classList.toggle("stale", stale);
  $("hand-card").classList.toggle("stale", !isCurrent());
  if (look && now - lookAt > STALE_MS) away("NO DAEMON", "The daemon is silent.");
  traces.draw(colours, seconds, look?.contact.map((verdict) => verdict === "good") ?? good);
  if (now - spectraAt > SPECTRA_MS) {
    spectra.draw(colours, (now - spectraAt) / 1000, cells());
    spectraAt = now;
  }
  const applied = wearer?.applied_deg ?? look?.applied_deg;
  if (now - handAt > HAND_MS && applied) {
    const since = (now - handAt) / 1000;
    handAt = now;
    shown = { applied: glide(shown.applied, applied, since), predicted: glide(shown.predicted, look?.predicted_deg ?? [], since) };
  }
  drawHandIfMoved();
  frames += 1;
  if (now - framesSince > 1000) {
    write($("fps"), `${Math.round((1000 * frames) / (now - framesSince))} frames/s`);
    write($("emg-scale"), scaleText(traces.half, traces.spanS ?? 0));
    [frames, framesSince] = [0, now];
  }
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
