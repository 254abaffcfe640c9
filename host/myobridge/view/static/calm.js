// Nothing may move or change under a finger: updates of buttons and lists wait until no finger is down.

const SETTLE_MS = 80; // the click comes after the finger has left
const waiting = new Map();
let isPressing = false, settling = 0;

// Runs an update now, or after the press. Of several updates of one kind, only the newest runs.
export function calmly(kind, update) {
  if (isPressing) waiting.set(kind, update);
  else update();
}

function press() {
  clearTimeout(settling);
  isPressing = true;
}

function release() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    isPressing = false;
    const updates = [...waiting.values()];
    waiting.clear();
    updates.forEach((update) => update());
  }, SETTLE_MS);
}

window.addEventListener("pointerdown", press, { capture: true });
for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, release, { capture: true });
window.addEventListener("blur", (event) => event.target === window && release());
