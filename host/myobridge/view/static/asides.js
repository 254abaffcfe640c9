// What a person asks for beside the hand: the models, the week, and a check of the hand.

import { calmly } from "./calm.js";
import { $, add, write } from "./dom.js";

let send = () => false, running = "";

export function connectAsides(through) {
  send = through;
}

export const want = (what) => send({ want: what });

// message: the models that can be chosen, the newest first.
export function showModels({ choices }) {
  calmly("models", () => {
    const key = JSON.stringify(choices);
    if ($("models").dataset.key === key) return;
    $("models").dataset.key = key;
    $("models").replaceChildren();
    for (const choice of choices) {
      const item = add($("models"), "li", choice.in_place ? "chosen" : "");
      const words = add(item, "div", "");
      add(words, "b", "", choice.name);
      add(words, "span", "", choice.text);
      if (choice.in_place) add(item, "span", "here", "in use");
      else add(item, "button", "", "Use").onclick = () => send({ use: choice.key });
      if (!choice.in_place) item.lastChild.setAttribute("aria-label", `Use ${choice.name}, ${choice.text}`);
    }
  });
}

// message: sentences about the last days, the newest first.
export function showWeek({ days }) {
  calmly("week", () => {
    $("week-text").hidden = days.length > 0;
    $("week").replaceChildren();
    for (const { day, lines } of days) {
      const item = add($("week"), "li", "");
      add(item, "b", "", day);
      for (const line of lines) add(item, "span", "", line);
    }
  });
}

// message: whether a check runs, and what it has found.
export function showFindings({ running: isRunning, ok, findings }) {
  const words = isRunning ? "Checking: keep the arm relaxed …" : ok;
  if (words) write($("check-text"), words);
  $("check").disabled = isRunning;
  $("findings").replaceChildren();
  for (const { what, why, do: remedy, bad } of findings) {
    const item = add($("findings"), "li", bad ? "weak" : "");
    add(item, "b", "", what);
    add(item, "span", "", `${why}. To do: ${remedy}.`);
  }
}

// The model that the daemon runs; a new one is asked about.
export function noteModel(name) {
  if (name !== running && running) want("models");
  running = name;
}

$("check").onclick = () => want("check");
