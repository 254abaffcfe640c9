// EMG traces that scroll to the left: shifts the drawn part and draws only the new part.

import { fit } from "./canvas.js";
import { words } from "./packed.js";

const SPAN_COLUMNS = 1000; // about four seconds
const KEPT_COLUMNS = 4096;
const LAG_S = 0.08; // age of the traces' right end, so that EMG always arrives before it is drawn
const RESCALE_S = 0.25;
const NICE = [1, 1.5, 2, 3, 5, 7];
const LEAST_COUNTS = 20;
const LOST = 0xffff;

function niceAbove(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return (NICE.find((n) => n * decade >= value) ?? 10) * decade;
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
    this.half = LEAST_COUNTS; // counts from the middle of a band to its edge
    this.middles = Array(channels).fill(0);
    this.drawn = Array(channels).fill(NaN); // the middle with which each channel was drawn
    this.sinceScaled = Infinity;
  }

  push({ first, bottom, step, steps, columns_per_s: perS }, now) {
    const channels = bottom.length, packed = words(steps), columns = packed.length / (2 * channels);
    if (channels !== this.channels || first <= this.newest || first > this.newest + KEPT_COLUMNS) this.reset(channels);
    if (this.newest < 0) this.newest = first - 1;
    for (let missing = this.newest + 1; missing < first; missing++) this.put(missing, () => NaN);
    for (let column = 0; column < columns; column++) {
      this.put(first + column, (row) => {
        const number = packed[2 * channels * column + row];
        return number === LOST ? NaN : bottom[row % channels] + step * number;
      });
    }
    this.newest = first + columns - 1;
    this.perS = perS;
    this.heardAt = now;
  }

  // count: of a row of `kept`, NaN if it is lost
  put(at, count) {
    this.kept.forEach((row, i) => { row[at % KEPT_COLUMNS] = count(i); });
  }

  // Moves the right end with the clock, so that the traces glide although EMG arrives in pieces.
  advance(seconds) {
    const wanted = this.newest - LAG_S * this.perS;
    if (this.head === null || Math.abs(wanted - this.head) > this.perS) this.head = wanted;
    this.head = Math.min(this.head + seconds * this.perS + (wanted - this.head) * Math.min(1, 2 * seconds), this.newest);
  }

  // One scale for all channels, so that they can be compared, without their offsets. Both change only if necessary.
  rescale() {
    let most = LEAST_COUNTS;
    for (let channel = 0; channel < this.channels; channel++) {
      const low = this.kept[channel], high = this.kept[this.channels + channel];
      let sum = 0, n = 0, bottom = Infinity, top = -Infinity;
      for (let column = Math.max(0, this.newest - SPAN_COLUMNS); column <= this.newest; column++) {
        const at = column % KEPT_COLUMNS;
        if (Number.isNaN(low[at])) continue;
        sum += low[at] + high[at];
        n += 2;
        bottom = Math.min(bottom, low[at]);
        top = Math.max(top, high[at]);
      }
      if (!n) continue;
      if (Math.abs(sum / n - this.middles[channel]) > 0.04 * this.half) this.middles[channel] = sum / n;
      most = Math.max(most, top - this.middles[channel], this.middles[channel] - bottom);
    }
    const half = niceAbove(1.05 * most);
    this.half = half > this.half || most < 0.3 * this.half ? half : this.half;
    this.sinceScaled = 0;
  }

  draw(colours, seconds, good) {
    const ratio = fit(this.canvas), context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!this.channels || this.newest < 0) return;
    this.advance(seconds);
    this.sinceScaled += seconds;
    if (this.sinceScaled > RESCALE_S) this.rescale();
    const { width, height } = this.canvas;
    const step = Math.max(1, Math.round(ratio)); // whole pixels of the screen: shifts by a fraction would blur
    const pixels = Math.floor(width / step), perPixel = Math.max(1, Math.round(SPAN_COLUMNS / pixels));
    const right = Math.floor(this.head / perPixel);
    const look = [width, height, step, this.half, colours.panel, good].join();
    let fresh = right - this.right;
    if (look !== this.look || !(fresh >= 0 && fresh < pixels)) fresh = pixels;
    [this.look, this.right, this.spanS] = [look, right, (pixels * perPixel) / this.perS];
    if (fresh === 0) return;
    const [first, last] = this.seen();
    context.save();
    context.beginPath();
    context.rect(0, this.edge(first), width, this.edge(last) - this.edge(first));
    context.clip();
    context.globalCompositeOperation = "copy";
    context.drawImage(this.canvas, -fresh * step, 0);
    context.restore();
    this.drawn.fill(NaN, 0, first).fill(NaN, last);
    for (let channel = first; channel < last; channel++) {
      const moved = this.drawn[channel] !== this.middles[channel]; // only this channel is drawn again
      this.drawn[channel] = this.middles[channel];
      const strip = { from: moved ? 0 : pixels - fresh, pixels, perPixel, right, step };
      this.grid(context, colours, channel, strip);
      context.fillStyle = good[channel] === false ? colours.bad : colours.channels[channel % colours.channels.length];
      this.trace(context, channel, strip);
    }
  }

  // The first channel on the screen, and the one after the last; the others are drawn when they come into sight.
  seen() {
    const { top, height } = this.canvas.getBoundingClientRect(), band = height / this.channels;
    const at = (y) => Math.min(this.channels, Math.max(0, y));
    return [at(Math.floor(-top / band)), at(Math.ceil((innerHeight - top) / band))];
  }

  // The upper edge of a channel's band, in pixels of the canvas.
  edge(channel) {
    return Math.round((channel * this.canvas.height) / this.channels);
  }

  // The empty band of a channel: a line for each second and above the channel.
  grid(context, colours, channel, { from, pixels, perPixel, right, step }) {
    const perSecond = this.perS / perPixel, top = this.edge(channel), tall = this.edge(channel + 1) - top;
    context.clearRect(from * step, top, (pixels - from) * step, tall);
    context.fillStyle = colours.line;
    for (let x = from; x < pixels; x++) {
      const at = right - pixels + 1 + x;
      if (Math.floor(at / perSecond) !== Math.floor((at - 1) / perSecond)) context.fillRect(x * step, top, 1, tall);
    }
    if (channel) context.fillRect(from * step, top, (pixels - from) * step, 1);
  }

  // Lowest and highest count of a pixel's columns, relative to the middle; null if all of them are lost.
  extent(channel, pixel, perPixel) {
    const first = pixel * perPixel;
    if (first < 0 || first <= this.newest - KEPT_COLUMNS) return null;
    let bottom = Infinity, top = -Infinity;
    for (let column = first; column < first + perPixel; column++) {
      bottom = Math.min(bottom, this.kept[channel][column % KEPT_COLUMNS]);
      top = Math.max(top, this.kept[this.channels + channel][column % KEPT_COLUMNS]);
    }
    return top >= bottom ? { bottom: bottom - this.middles[channel], top: top - this.middles[channel] } : null;
  }

  // One channel: a bar for each pixel, which reaches the previous bar.
  trace(context, channel, { from, pixels, perPixel, right, step }) {
    const band = this.canvas.height / this.channels, middle = band * (channel + 0.5), gain = (0.46 * band) / this.half;
    const pixelAt = (x) => right - pixels + 1 + x;
    let before = this.extent(channel, pixelAt(from - 1), perPixel);
    for (let x = from; x < pixels; x++) {
      const now = this.extent(channel, pixelAt(x), perPixel);
      if (now) {
        const bottom = Math.min(now.bottom, before?.top ?? now.bottom), top = Math.max(now.top, before?.bottom ?? now.top);
        context.fillRect(x * step, middle - top * gain - 0.5 * step, step, (top - bottom) * gain + step);
      }
      before = now;
    }
  }
}
