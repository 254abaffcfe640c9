// The page of an online trial: the target hand over the wearer's hand, and how long it has stayed there.

import { fit } from "./canvas.js";
import { $, add, connection, items, write } from "./dom.js";
import { drawHand, glide } from "./hand.js";
import { changed, showNote } from "./notes.js";
import { answered, connectOrders, showOrders } from "./orders.js";
import { Socket } from "./socket.js";
import { colours } from "./theme.js";

const STALE_MS = 1000, CLOSED = 180;
const SAID = { reached: "Reached!", missed: "Time is over", interrupted: "Once more" };
const FLASH_MS = 900;
let look = null, lookAt = -Infinity, control = false, port = "";
let prompt = null, card = null, own = [], here = [], flashed = "", flashUntil = 0;

const socket = new Socket({
  hello(message) {
    [control, port] = [message.control, message.port];
    write($("source"), port);
    $("back").search = location.search;
    connectOrders((what, seen_s) => socket.order(what, seen_s), control);
  },
  link(message) {
    if (!message.up) away("NO DAEMON", message.text);
    else if (!look) away("WAITING", message.text);
  },
  look({ snapshot }) {
    const before = look?.state;
    look = snapshot;
    lookAt = performance.now();
    connection("live", true);
    showState(look.state, look.explained);
    if (look.state !== before) changed(look.state);
    showOrders(look);
    showNote(look.note);
  },
  answer(message) { answered(message); },
  unpaired(why) { showState("NOT PAIRED", why); },
  prompt(message) { show(message); },
  closed() {
    away("NO CONNECTION", "The view has ended or cannot be reached; this page reconnects by itself.");
    show({ title: "" });
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

function showState(name, text) {
  document.body.dataset.state = name.replace(" ", "-");
  write($("state-name"), name);
  write($("state-text"), text);
}

// --- the trial ---

// A prompt without a trial belongs to a guided recording, which the live view shows. The result stays.
function show(message) {
  const next = message.trial ?? null;
  if (!next && card?.stage === "done") return;
  if (!next && !card) return;
  if (next && card && next.done > card.done && next.last) flash(next.last);
  [prompt, card] = [message, next];
  $("game").dataset.stage = card?.stage ?? "none";
  if (!card) return write($("title"), "No trial runs");
  write($("title"), message.title);
  write($("text"), card.stage === "done" ? "" : message.text);
  write($("count"), `${card.done} of ${card.planned}`);
  write($("own"), card.applied ? "your hand (servos)" : "your hand (as decoded)");
  $("score").hidden = card.score == null;
  write($("score"), `${card.score ?? 0} points`);
  $("game").classList.toggle("inside", card.inside && card.stage === "target");
  $("bars-card").hidden = false;
  items($("result"), card.result, (item, sentence) => { item.textContent = sentence; });
  showBars();
}

function flash(outcome) {
  flashed = outcome;
  flashUntil = performance.now() + FLASH_MS;
}

function showBars() {
  const rows = items($("bars"), card.bars.map(([name]) => name), (item, name) => {
    add(item, "span", "name", name);
    const meter = add(item, "div", "zone");
    for (const [key, value] of Object.entries({ role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": CLOSED })) {
      meter.setAttribute(key, value);
    }
    add(meter, "u", "");
    add(meter, "i", "");
    add(item, "span", "angle");
  });
  const aims = card.stage === "target";
  rows.forEach((item, i) => {
    const [, goal, now] = card.bars[i], [, meter, angle] = item.children;
    const low = Math.max(0, goal - card.tolerance_deg), high = Math.min(CLOSED, goal + card.tolerance_deg);
    meter.firstChild.hidden = !aims;
    meter.firstChild.style.left = `${(100 * low) / CLOSED}%`;
    meter.firstChild.style.width = `${(100 * (high - low)) / CLOSED}%`;
    const ok = Math.abs(goal - now) <= card.tolerance_deg;
    item.classList.toggle("ok", aims && ok);
    meter.setAttribute("aria-valuenow", Math.round(now));
    const way = now < goal ? "close more" : "open more";
    meter.setAttribute("aria-valuetext", aims ? `${Math.round(now)} degrees, ${ok ? "in the target" : way}` : `${Math.round(now)} degrees`);
    write(angle, !aims || ok ? "" : now < goal ? "close ▸" : "◂ open");
  });
}

// --- drawing ---

function drawIfMoved() {
  fit($("hand"));
  const { width, height } = $("hand");
  const aims = card?.stage === "target";
  const goal = aims ? prompt.angles_deg : [];
  const key = [width, height, colours.near, own.map(Math.round), goal.map(Math.round), card?.inside].join();
  if (key === drawIfMoved.last) return;
  drawIfMoved.last = key;
  const style = getComputedStyle($("game"));
  drawHand($("hand"), { ...colours, predicted: style.getPropertyValue("--goal") }, own, goal);
}

function drawBars(seconds) {
  here = glide(here, card.bars.map(([, , now]) => now), seconds);
  [...$("bars").children].forEach((item, i) => {
    item.children[1].lastChild.style.left = `${(100 * here[i]) / CLOSED}%`;
  });
  const stayed = Math.round(100 * card.dwelt);
  $("dwell").firstChild.style.transform = `scaleX(${card.dwelt})`;
  $("dwell").setAttribute("aria-valuenow", stayed);
  $("left").firstChild.style.transform = `scaleX(${card.left})`;
}

let frameAt = performance.now(), frames = 0, framesSince = frameAt;

function frame(now) {
  const seconds = Math.min(0.1, (now - frameAt) / 1000);
  frameAt = now;
  if (look && now - lookAt > STALE_MS) away("NO DAEMON", "The daemon is silent.");
  const angles = card?.applied ? look?.applied_deg : look?.predicted_deg;
  if (angles?.length) own = glide(own, angles, seconds);
  drawIfMoved();
  if (card) drawBars(seconds);
  const flashes = now < flashUntil;
  $("dwell").dataset.flash = flashes ? flashed : "";
  write($("dwell").lastChild, flashes ? SAID[flashed] : card?.stage === "target" ? (card.inside ? "Stay!" : "") : "");
  frames += 1;
  if (now - framesSince > 1000) {
    write($("fps"), `${Math.round((1000 * frames) / (now - framesSince))} frames/s`);
    [frames, framesSince] = [0, now];
  }
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
