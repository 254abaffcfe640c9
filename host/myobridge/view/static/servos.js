// The keys of `myobridge servos`: buttons to press and hold. The motion ends 0.2 s after the last repeat that the
// command has heard, so a page that is closed, hidden or cut off moves nothing.

import { $, add, connection, write } from "./dom.js";
import { Socket } from "./socket.js";
import "./theme.js";

const REPEAT_MS = 50;
const HERE_MS = 250;
const ARROWS = { ArrowLeft: "shorter", ArrowRight: "longer" };
let held = null, repeating = 0;

const socket = new Socket({ servos: show, closed });
const wish = (what) => socket.send({ do: what });

function hold(button) {
  release();
  held = button;
  held.classList.add("held");
  const repeat = () => wish(held.dataset.hold);
  repeat();
  repeating = setInterval(repeat, REPEAT_MS);
}

function release() {
  clearInterval(repeating);
  if (held) {
    held.classList.remove("held");
    wish("release");
  }
  held = null;
}

function leave() {
  release();
  wish("disarm");
}

function stop() {
  release();
  const sent = wish("estop");
  write($("note"), sent ? "ESTOP was sent." : "ESTOP WAS NOT SENT: no connection. Switch the servo power off.");
}

for (const button of document.querySelectorAll("[data-hold]")) {
  button.onpointerdown = (event) => {
    button.setPointerCapture(event.pointerId);
    hold(button);
  };
  button.onpointerup = button.onpointercancel = button.onlostpointercapture = release;
  button.oncontextmenu = (event) => event.preventDefault(); // a long touch is no question for a menu
  button.onclick = (event) => event.detail === 0 && wish(button.dataset.hold); // Enter and assistive technology only
}
for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => wish(button.dataset.do);
$("estop").onpointerdown = stop;
$("estop").onclick = (event) => event.detail === 0 && stop();

for (const kind of ["keydown", "keyup"]) {
  window.addEventListener(kind, (event) => {
    const arrow = ARROWS[event.key];
    if (event.key === "Escape" || event.code === "Space") {
      event.preventDefault(); // Space must not press the focused button
      if (kind === "keydown" && !event.repeat) stop();
    } else if (arrow) {
      event.preventDefault();
      if (kind === "keyup") release();
      else if (!event.repeat) hold(document.querySelector(`[data-hold="${arrow}"]`));
    }
  }, { capture: true });
}
window.addEventListener("blur", release);
window.addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => document.hidden && leave());
setInterval(() => document.hidden || wish("here"), HERE_MS);

function closed() {
  release();
  document.body.dataset.state = "LOST";
  write($("state-name"), "NO CONNECTION");
  write($("state-text"), "This page moves nothing: the command has ended, or another page moves the hand.");
  connection("not connected");
}

function show(look) {
  document.body.dataset.state = look.state;
  write($("state-name"), look.state);
  write($("state-text"), look.armed ? `The buttons move the ${look.rows[look.servo].name}.` : "The pulses are off.");
  write($("note"), look.note);
  write($("source"), look.port);
  connection("connected", true);
  $("arm").classList.toggle("dim", look.armed);
  write($("held"), look.held);
  write($("servo"), look.rows[look.servo].name);
  $("rows").replaceChildren(...look.rows.map((row, i) => {
    const line = document.createElement("tr");
    line.className = i === look.servo ? "chosen" : "";
    const [open, shut, now] = [row.open_us, row.closed_us, row.now_us].map((us) => (us === null ? "–" : `${us} µs`));
    for (const text of [row.name, open, shut, now, row.digital ? "digital" : "analogue", row.held]) add(line, "td", "", text);
    return line;
  }));
}
