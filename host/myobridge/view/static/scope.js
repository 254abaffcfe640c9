// Parts of the page about the signal alone: the filter to look through, microvolts, and a board without a daemon.

import { $, write } from "./dom.js";
import { showChannels } from "./panels.js";

let uvPerCount = null;

export function connectFilter(send) {
  $("filter").onchange = () => send({ filter: $("filter").value });
}

// The filter that all pages of this view look through.
export function showFilter({ filter }) {
  $("filter").value = filter;
}

export function setUnits(message) {
  uvPerCount = message.uv_per_count;
}

// The scale of the traces: counts, and microvolts at the skin where the gain is known.
export function scaleText(half, spanS) {
  const uv = uvPerCount === null ? "" : ` = ±${Math.round(half * uvPerCount).toLocaleString("en").replaceAll(",", " ")} µV`;
  return `±${half} counts${uv}, ${spanS.toFixed(1)} s`;
}

// scope: the newest message about a board without a daemon.
export function showScope(scope) {
  showChannels(scope);
  const { samples_received: received, samples_lost: lost, crc_errors: damaged, findings } = scope;
  const whole = !lost && !damaged;
  const losses = whole ? "nothing is lost" : `${lost} of ${received + lost} samples lost, ${damaged} frames damaged`;
  write($("source"), `${scope.fs_hz} Hz · ${losses}`);
  write($("note"), findings.join(" "));
}
