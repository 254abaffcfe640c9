// The line below the state: what came of an order for a while, else what the daemon has to say.

import { $, write } from "./dom.js";

const STAYS_MS = 6000;
let said = null, daemonSays = "";

// Shows an answer. It goes after a while; one that `stays` goes when `forget` is called.
export function say(text, { bad = false, stays = false } = {}) {
  said = { text, bad, until: stays ? Infinity : performance.now() + STAYS_MS, stays };
  show();
}

// What the daemon has to say from now on.
export function showNote(text) {
  daemonSays = text;
  show();
}

// The state has changed: an answer from before is no longer true. One that stays is kept, unless it is settled.
export function forget({ settled = false } = {}) {
  if (settled || !said?.stays) said = null;
  show();
}

function show() {
  if (said && performance.now() > said.until) said = null;
  const text = said?.text ?? daemonSays, repeats = text === $("state-text").textContent;
  write($("note"), repeats ? "" : text);
  $("note").classList.toggle("bad", Boolean(said?.bad));
}
