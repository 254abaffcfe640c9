// The wearer's orders: buttons and keys, and the sentence if an order fails.

import { $, add } from "./dom.js";
import { say } from "./notes.js";

const CONFIRM_MS = { arm: 4000, disarm: 1000, estop: 1000, lift: 10000 }, OTHER_MS = 4000;
const LEADS_TO = { arm: "ARMED", disarm: "DISARMED", estop: "ESTOP", lift: "DISARMED" };
const ARMABLE = ["DISARMED", "HOLD", "RELAX", "FAULT"];
const BEFORE_LIFTING = [
  "Nothing is caught in the hand, and nobody holds it.",
  "The cause is found and fixed.",
  "The person who stopped the hand agrees.",
];
const unconfirmed = {};
let control = false, seen_s = 0, send = () => false;

// `through` sends an order and returns whether it could; `allowed`: this view passes orders on.
export function connectOrders(through, allowed) {
  [send, control] = [through, allowed];
  $("controls").hidden = !control;
  $("control-off").hidden = control;
}

// Sends an order, and says so if it cannot be sent or is not confirmed in time.
export function order(what) {
  const name = what.toUpperCase();
  if (what === "estop") $("lift-dialog").close();
  if (!control) return say(`Control is off in this view: ${name} was not sent.`, { bad: true });
  if (!send(what, seen_s)) return say(`${name} WAS NOT SENT: no connection. Switch the servo power off.`, { bad: true });
  clearTimeout(unconfirmed[what]);
  const late = () => say(`${name} is not confirmed: switch the servo power off if the hand is not safe.`, { bad: true });
  unconfirmed[what] = setTimeout(late, CONFIRM_MS[what] ?? OTHER_MS);
}

// The answer to an ESTOP that has not arrived stays until it has.
export function answered({ do: what, ok, text }) {
  clearTimeout(unconfirmed[what]);
  say(text, { bad: !ok, stays: what === "estop" && !ok, fits: LEADS_TO[what] });
}

// look: the daemon's newest snapshot, or null. ARM is dim if it would do nothing; pressed, it says why.
export function showOrders(look) {
  seen_s = look?.at_s ?? 0; // an ARM is as old as the snapshot that the person saw
  $("arm").classList.toggle("dim", !look || look.estop || !ARMABLE.includes(look.state));
  const stopped = look?.estop || look?.state === "ESTOP"; // a board may stay in ESTOP after the stop was lifted
  $("lift").hidden = !control || !stopped;
  if ($("lift").hidden) $("lift-dialog").close();
}

$("arm").onclick = () => order("arm");
$("disarm").onclick = () => order("disarm");
$("estop").onpointerdown = () => order("estop");
$("estop").onclick = (event) => event.detail === 0 && order("estop"); // Enter and assistive technology only
for (const kind of ["keydown", "keyup"]) {
  window.addEventListener(kind, (event) => {
    const stop = event.key === "Escape" || event.code === "Space";
    if (!stop || (!control && event.code === "Space")) return;
    event.preventDefault(); // Space must not press the focused button
    if (kind === "keydown" && !event.repeat) order("estop");
  }, { capture: true });
}

// Every page has the dialog; its words stand here alone.
function fillDialog() {
  const dialog = $("lift-dialog");
  const named = (element, id) => Object.assign(element, { id });
  named(add(dialog, "h2", "", "Lift the emergency stop?"), "lift-title");
  const checks = named(add(dialog, "ul", ""), "lift-checks");
  for (const check of BEFORE_LIFTING) add(checks, "li", "", check);
  add(dialog, "p", "", "This resets the board. The hand stays disarmed until somebody arms it.");
  const choices = add(dialog, "div", "");
  named(add(choices, "button", "", "Keep it stopped"), "lift-keep").type = "button";
  named(add(choices, "button", "", "Lift emergency stop"), "lift-confirm").type = "button";
}

fillDialog();
// The dialog is not modal: ESTOP can be pressed beside it.
$("lift").onclick = () => {
  $("lift-dialog").show();
  $("lift-keep").focus();
};
$("lift-keep").onclick = () => $("lift-dialog").close();
$("lift-confirm").onclick = () => {
  $("lift-dialog").close();
  order("lift");
};
