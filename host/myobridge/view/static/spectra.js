// Spectra: a small plot for each channel, with the mains lines marked.

import { fit } from "./canvas.js";
import { bytes } from "./packed.js";

const SHOWN_DB = 50;
const AT_A_TIME = 16; // cells; more would cost frames

export class Spectra {
  constructor(canvas) {
    this.canvas = canvas;
    this.target = null;
    this.shown = [];
    this.next = 0;
  }

  push(message) {
    const packed = bytes(message.steps), lines = packed.length / message.channels;
    const power = Array.from({ length: message.channels }, (_, channel) =>
      Float32Array.from(packed.subarray(channel * lines, (channel + 1) * lines), (below) => message.top_db - message.step_db * below));
    this.target = { ...message, power_db: power };
    const alike = this.shown.length === power.length && this.shown[0].length === lines;
    if (!alike) this.shown = power.map((row) => row.slice());
    const top = Math.ceil(message.top_db / 10) * 10;
    this.top = this.top > top && this.top - top < 20 ? this.top : top;
  }

  // cells: the place of each channel's spectrum, {x, y, width, height, head} in CSS pixels; labels take the uppermost `head`.
  draw(colours, seconds, cells) {
    const ratio = fit(this.canvas), context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!this.target) return context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const channels = this.shown.length, rounds = Math.ceil(channels / AT_A_TIME);
    const ease = 1 - Math.exp(-8 * seconds * rounds);
    for (let turn = 0; turn < Math.min(channels, AT_A_TIME); turn++) {
      const channel = (this.next + turn) % channels, row = this.shown[channel], cell = cells[channel];
      this.target.power_db[channel].forEach((db, i) => { row[i] += ease * (db - row[i]); });
      if (!cell) continue;
      context.clearRect(cell.x - 8, cell.y, cell.width + 16, cell.height + 2);
      if (cell.isSeen) this.cell(context, colours, row, colours.channels[channel % colours.channels.length], cell);
    }
    this.next = channels ? (this.next + AT_A_TIME) % channels : 0;
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  cell(context, colours, row, colour, { x, y, width, height, head }) {
    const { step_hz: stepHz, mains_hz: mainsHz } = this.target;
    const top = y + head + 8, floor = y + height - 14, tall = floor - top, highestHz = stepHz * (row.length - 1);
    const across = (hz) => x + (hz / highestHz) * width;
    const up = (db) => floor - Math.max(0, Math.min(1, (db - this.top + SHOWN_DB) / SHOWN_DB)) * tall;
    context.setLineDash([2, 3]);
    context.strokeStyle = colours.mains;
    for (let hz = mainsHz; hz < highestHz; hz += mainsHz) {
      context.globalAlpha = hz === mainsHz ? 1 : 0.45;
      context.beginPath();
      context.moveTo(Math.round(across(hz)) + 0.5, top);
      context.lineTo(Math.round(across(hz)) + 0.5, floor);
      context.stroke();
    }
    context.setLineDash([]);
    context.beginPath();
    row.forEach((db, i) => context.lineTo(across(i * stepHz), up(db)));
    context.strokeStyle = colour;
    context.globalAlpha = 1;
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.stroke();
    context.lineWidth = 1;
    context.lineTo(x + width, floor);
    context.lineTo(x, floor);
    context.globalAlpha = 0.16;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = colours.line;
    context.fillRect(x, floor, width, 1);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colours.mains;
    context.fillText(`${mainsHz}`, across(mainsHz) - 6, floor + 12);
    context.fillStyle = colours.muted;
    context.textAlign = "right";
    context.fillText(`${Math.round(highestHz)} Hz`, x + width, floor + 12);
    context.textAlign = "left";
  }
}
