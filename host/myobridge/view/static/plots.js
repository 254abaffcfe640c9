// EMG traces that scroll, and spectra. Both draw what they have; the server has done the arithmetic.

const SPAN_COLUMNS = 1000; // about four seconds
const KEPT_COLUMNS = 4096;
const LAG_S = 0.08; // the traces' right end is so old, so that EMG has always come before it is drawn
const NICE = [1, 1.5, 2, 3, 5, 7];
const LEAST_COUNTS = 20;
const FLOOR_DB = 50;

function niceAbove(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return (NICE.find((n) => n * decade >= value) ?? 10) * decade;
}

const sizes = new Map(); // asking an element for its size would lay the page out anew in every frame
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) sizes.set(target, contentRect);
});

// Gives a canvas as many pixels as it has on the screen; returns how many there are in a CSS pixel.
export function fit(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight });
    observer.observe(canvas);
  }
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.round(sizes.get(canvas).width * ratio), height = Math.round(sizes.get(canvas).height * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return ratio;
}

export class Traces {
  constructor(canvas) {
    this.canvas = canvas;
    this.heardAt = -Infinity;
    this.reset(0);
  }

  reset(channels) {
    this.channels = channels;
    this.kept = Array.from({ length: 2 * channels }, () => new Float32Array(KEPT_COLUMNS).fill(NaN));
    this.newest = -1;
    this.head = null;
    this.scale = Array(channels).fill(LEAST_COUNTS);
    this.half = LEAST_COUNTS;
  }

  push({ first, columns, columns_per_s: perS }, now) {
    const channels = (columns.find(Boolean)?.length ?? 2 * this.channels) / 2;
    if (channels !== this.channels || first <= this.newest || first > this.newest + KEPT_COLUMNS) this.reset(channels);
    if (this.newest < 0) this.newest = first - 1;
    for (let missing = this.newest + 1; missing < first; missing++) this.put(missing, null);
    columns.forEach((column, i) => this.put(first + i, column));
    this.newest = first + columns.length - 1;
    this.perS = perS;
    this.heardAt = now;
  }

  put(at, column) {
    this.kept.forEach((row, i) => { row[at % KEPT_COLUMNS] = column ? column[i] : NaN; });
  }

  // Moves the right end on with the clock, so that the traces glide although EMG comes in pieces.
  advance(seconds) {
    const wanted = this.newest - LAG_S * this.perS;
    if (this.head === null || Math.abs(wanted - this.head) > this.perS) this.head = wanted;
    this.head = Math.min(this.head + seconds * this.perS + (wanted - this.head) * Math.min(1, 2 * seconds), this.newest);
  }

  draw(colours, seconds, good) {
    const ratio = fit(this.canvas), context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    if (!this.channels || this.newest < 0) return;
    this.advance(seconds);
    const perPixel = Math.max(1, Math.round(SPAN_COLUMNS / (width / ratio)));
    const pixels = Math.floor(width / ratio);
    this.grid(context, colours, ratio, perPixel, pixels);
    const band = height / this.channels;
    let most = LEAST_COUNTS;
    for (let channel = 0; channel < this.channels; channel++) {
      context.fillStyle = good[channel] === false ? colours.bad : colours.channels[channel % colours.channels.length];
      const reach = this.trace(context, channel, { ratio, perPixel, pixels, middle: band * (channel + 0.5), band });
      most = Math.max(most, reach);
    }
    const half = niceAbove(1.05 * most);
    this.half = half > this.half || most < 0.3 * this.half ? half : this.half;
    const fade = context.createLinearGradient(0, 0, 0.12 * width, 0);
    fade.addColorStop(0, colours.panel);
    fade.addColorStop(1, `${colours.panel}00`);
    context.fillStyle = fade;
    context.fillRect(0, 0, 0.12 * width, height);
    this.spanS = (pixels * perPixel) / this.perS;
  }

  grid(context, colours, ratio, perPixel, pixels) {
    context.fillStyle = colours.line;
    const perSecond = this.perS / perPixel;
    const right = Math.floor(this.head / perPixel);
    for (let mark = Math.floor(right / perSecond); mark >= 0; mark--) {
      const x = pixels - 1 - (right - Math.round(mark * perSecond));
      if (x < 0) break;
      context.fillRect(x * ratio, 0, 1, this.canvas.height);
    }
    for (let row = 1; row < this.channels; row++) {
      context.fillRect(0, Math.round((row * this.canvas.height) / this.channels), this.canvas.width, 1);
    }
  }

  // One channel, a bar a pixel, each reaching to the one before; returns how far it strays from its middle, in counts.
  trace(context, channel, { ratio, perPixel, pixels, middle, band }) {
    const low = this.kept[channel], high = this.kept[this.channels + channel];
    const right = Math.floor(this.head / perPixel);
    const baseline = this.baseline(low, high);
    const gain = (0.46 * band) / this.half;
    let before = null, reach = 0;
    for (let x = 0; x < pixels; x++) {
      const first = (right - pixels + 1 + x) * perPixel;
      if (first < 0 || first < this.newest - KEPT_COLUMNS + 1) continue;
      let bottom = Infinity, top = -Infinity;
      for (let column = first; column < first + perPixel; column++) {
        bottom = Math.min(bottom, low[column % KEPT_COLUMNS]);
        top = Math.max(top, high[column % KEPT_COLUMNS]);
      }
      if (!(top >= bottom)) { // NaN: lost
        before = null;
        continue;
      }
      bottom -= baseline;
      top -= baseline;
      reach = Math.max(reach, top, -bottom);
      const from = Math.min(bottom, before?.top ?? bottom), to = Math.max(top, before?.bottom ?? top);
      const y = middle - to * gain, tall = (to - from) * gain;
      context.fillRect(x * ratio, y - 0.5 * ratio, ratio, tall + ratio);
      before = { bottom, top };
    }
    return reach;
  }

  baseline(low, high) {
    let sum = 0, n = 0;
    for (let column = Math.max(0, this.newest - SPAN_COLUMNS); column <= this.newest; column += 8) {
      const middle = (low[column % KEPT_COLUMNS] + high[column % KEPT_COLUMNS]) / 2;
      if (middle === middle) { sum += middle; n++; }
    }
    return n ? sum / n : 0;
  }
}

export class Spectra {
  constructor(canvas) {
    this.canvas = canvas;
    this.target = null;
    this.shown = [];
  }

  push(message) {
    this.target = message;
    const alike = this.shown.length === message.power_db.length && this.shown[0].length === message.power_db[0].length;
    if (!alike) this.shown = message.power_db.map((row) => Float32Array.from(row));
    const top = Math.ceil(Math.max(...message.power_db.map((row) => Math.max(...row.slice(2)))) / 10) * 10;
    this.top = this.top > top && this.top - top < 20 ? this.top : top;
  }

  // cells: where each channel's spectrum goes, as {x, y, width, height} in CSS pixels.
  draw(colours, seconds, cells) {
    const ratio = fit(this.canvas), context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.target) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const ease = 1 - Math.exp(-8 * seconds);
    this.shown.forEach((row, channel) => {
      this.target.power_db[channel].forEach((db, i) => { row[i] += ease * (db - row[i]); });
      if (cells[channel]) this.cell(context, colours, row, colours.channels[channel % colours.channels.length], cells[channel]);
    });
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  cell(context, colours, row, colour, { x, y, width, height }) {
    const { step_hz: stepHz, mains_hz: mainsHz } = this.target;
    const floor = y + height - 14, tall = floor - y - 26, highestHz = stepHz * (row.length - 1);
    const across = (hz) => x + (hz / highestHz) * width;
    const up = (db) => floor - Math.max(0, Math.min(1, (db - this.top + FLOOR_DB) / FLOOR_DB)) * tall;
    context.setLineDash([2, 3]);
    context.strokeStyle = colours.mains;
    for (let hz = mainsHz; hz < highestHz; hz += mainsHz) {
      context.globalAlpha = hz === mainsHz ? 1 : 0.45;
      context.beginPath();
      context.moveTo(Math.round(across(hz)) + 0.5, y + 26);
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
