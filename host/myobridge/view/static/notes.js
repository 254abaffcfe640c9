// The line below the state: what came of an order for a while, else what the daemon has to say.

import { $, write } from "./dom.js";

const STAYS_MS = 6000;
let said = null, daemonSays = "";

// Shows an answer, for a while. It ends early when the hand changes its state to another one than `fits`, what was said
// being true no more; one that `stays` is there until the hand is in that state.
export function say(text, { bad = false, stays = false, fits = "" } = {}) {
  said = { text, bad, stays, fits, until: stays ? Infinity : performance.now() + STAYS_MS };
  show();
}

// What the daemon has to say from now on.
export function showNote(text) {
  daemonSays = text;
  show();
}

// The state has changed.
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
