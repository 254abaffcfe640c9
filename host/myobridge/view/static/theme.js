// Dark or light: the system's setting until the button is pressed, then the last choice.

import { $ } from "./dom.js";

const CHANNEL_COLOURS = 8;

// Colours for the canvases, from the style sheet.
export let colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["panel", "line", "muted", "bad", "mains", "palm", "near", "far", "predicted"];
  colours = Object.fromEntries(names.map((name) => [name, colour(name)]));
  colours.channels = Array.from({ length: CHANNEL_COLOURS }, (_, i) => colour(`channel-${i}`));
}

const dark = matchMedia("(prefers-color-scheme: dark)");

function setTheme() {
  document.documentElement.dataset.theme = localStorage.theme ?? (dark.matches ? "dark" : "light");
  readColours();
}

dark.onchange = setTheme;
$("theme").onclick = () => {
  localStorage.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  setTheme();
};
setTheme();
