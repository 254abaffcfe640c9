// The line below the state: for a while the answer to an order, otherwise the daemon's note.

import { $, write } from "./dom.js";

const STAYS_MS = 6000;
let said = null, daemonSays = "";

// Shows an answer for a while. It disappears early when the hand enters a state other than `fits`, because the answer is
// no longer true. An answer that `stays` is shown until the hand enters the state `fits`.
export function say(text, { bad = false, stays = false, fits = "" } = {}) {
  said = { text, bad, stays, fits, until: stays ? Infinity : performance.now() + STAYS_MS };
  show();
}

// Sets the daemon's note.
export function showNote(text) {
  daemonSays = text;
  show();
}

// Removes an answer that the hand's new state makes untrue.
export function changed(state) {
  if (said && (said.stays ? state === said.fits : state !== said.fits)) said = null;
  show();
}

function show() {
  if (said && performance.now() > said.until) said = null;
  const text = said?.text ?? daemonSays;
  const repeats = document.body.dataset.state === "ESTOP" && text === $("state-text").textContent;
  write($("note"), repeats ? "" : text);
  $("note").classList.toggle("bad", Boolean(said?.bad));
}
