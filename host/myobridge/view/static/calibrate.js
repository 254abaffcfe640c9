// The calibration: the pose to make, the time left, the buttons, and the scores.

import { calmly } from "./calm.js";
import { fit } from "./canvas.js";
import { $, add, write } from "./dom.js";
import { drawHand } from "./hand.js";
import { order } from "./orders.js";
import { colours } from "./theme.js";

const RUNNING = ["contact", "acting", "hold", "rest", "computing", "paused"];
let longest = 0, step = "";

const percent = (share) => `${Math.round(100 * share)} of 100`;

export const isCalibrating = (look) => RUNNING.includes(look?.calibration?.step);

// look: the newest snapshot, or null.
export function showCalibration(look) {
  const state = look?.calibration;
  calmly("calibration", () => showButtons(state?.step ?? "idle", Boolean(look)));
  if (!state) return;
  showPose(state);
  showTime(state);
  showResult(state);
}

function showPose(state) {
  const isRunning = RUNNING.includes(state.step);
  write($("pose-count"), isRunning && state.of ? `Pose ${state.index} of ${state.of}` : "");
  write($("pose-name"), isRunning ? state.pose.replaceAll("_", " ") : "");
  write($("calibration-text"), state.step === "idle" ? "" : state.text);
  $("calibration-hint").hidden = state.step !== "idle";
  $("guide").hidden = state.step === "idle";
  $("pose").hidden = !isRunning || !state.acted_deg.length;
  if ($("pose").hidden) return;
  $("pose").setAttribute("aria-label", `The pose to make: ${state.pose}`);
  fit($("pose"));
  drawHand($("pose"), colours, state.acted_deg, []);
}

// The bar runs from the longest time that was left in this step; a screen reader hears the sentences, not the seconds.
function showTime({ step: now, index, remaining_s: left }) {
  const key = `${now} ${index}`;
  if (key !== step) [step, longest] = [key, left];
  longest = Math.max(longest, left);
  $("pose-progress").hidden = !RUNNING.includes(now) || now === "paused" || longest === 0;
  $("pose-progress").value = longest ? 1 - left / longest : 0;
}

function showResult({ step: now, scores, before, after }) {
  $("result").hidden = now !== "done" && now !== "failed" && now !== "idle" || (!scores.length && after === null);
  const was = before === null ? "" : `before ${percent(before)}, `;
  write($("before-after"), after === null ? "" : `Poses recognised: ${was}now ${percent(after)}.`);
  const key = JSON.stringify(scores);
  if ($("scores").dataset.key === key) return;
  $("scores").dataset.key = key;
  $("scores").replaceChildren();
  for (const { pose, of_ten: ofTen, advice } of scores) {
    const item = add($("scores"), "li", advice ? "weak" : "");
    add(item, "b", "", pose);
    add(item, "span", "", `${ofTen} of 10${advice ? `: ${advice}` : ""}`);
  }
}

function showButtons(now, isThere) {
  const isRunning = RUNNING.includes(now), isPaused = now === "paused";
  write($("start"), isPaused ? "Go on" : "Start");
  $("start").hidden = isRunning && !isPaused;
  $("start").disabled = !isThere;
  $("pause").hidden = !isRunning || isPaused || now === "computing";
  $("redo").hidden = !isRunning || isPaused || now === "computing" || now === "contact";
  $("stop").hidden = !isRunning;
}

for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => order(button.dataset.do);
