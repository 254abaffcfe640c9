// The demo's own part of the page: buttons that break something, and what the hand then does. Other views hide it.

import { $, add, write } from "./dom.js";

const LABELS = { // while the fault is off, and while it is on
  cable: ["Pull the cable", "Plug the cable in"],
  electrode: ["Lift electrode 2", "Put electrode 2 back"],
  hum: ["Add hum", "Remove the hum"],
  cuff: ["Shift the cuff", "Put the cuff back"],
  daemon: ["Freeze the daemon", "Let the daemon go on"],
  power: ["Switch the board off", "Switch the board on"],
};
let faults = { can: [], on: [] };

// message: the faults that the demo can make, and those that are on; `press` asks for a fault to begin or end.
export function showFaults(message, press) {
  faults = message;
  $("faults").hidden = !faults.can.length;
  $("fault-line").role = "status"; // screen readers announce it, but in the demo only
  const buttons = $("fault-buttons");
  if (buttons.childElementCount !== faults.can.length) {
    buttons.replaceChildren();
    for (const fault of faults.can) {
      add(buttons, "button", "").onclick = () => press({ fault, on: !faults.on.includes(fault) });
    }
  }
  faults.can.forEach((fault, i) => {
    const isOn = faults.on.includes(fault);
    buttons.children[i].classList.toggle("on", isOn);
    write(buttons.children[i], LABELS[fault][isOn ? 1 : 0]);
  });
}

// wearer: the newest message about the simulated hand.
export function showWearer({ state, explained, causes, error_deg: errorDeg }) {
  const next = !faults.on.length && ["DISARMED", "HOLD", "RELAX"].includes(state) ? "Press ARM to go on." : "";
  write($("fault-state"), state);
  $("fault-state").dataset.board = state;
  write($("fault-text"), [causes, explained, next].filter(Boolean).join(" "));
  write($("error"), errorDeg === null ? "" : `${Math.round(errorDeg)}° apart`);
  $("wearer-key").hidden = false;
}
