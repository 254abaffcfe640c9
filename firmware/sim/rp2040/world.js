// What the electrodes and the supply give: row k of the EMG goes to sample k. A sample is the sum of ROUNDS conversions of
// each input, so the codes of a row add up to its value exactly, in quarters of the converter's step.
'use strict';

const fs = require('fs');

const ROUNDS = 16;
const MIDDLE = 8192;
const CODE_MAX = 4095;

class World {
  constructor(path, channels, onSample) {
    this.file = path ? fs.openSync(path, 'r') : null;
    this.channels = channels;
    this.onSample = onSample; // (input, nanos, code)
    this.constant = new Array(5).fill(2048);
    this.row = new Int16Array(channels);
    this.rows = 0;
    this.buffer = Buffer.alloc(0);
    this.restart();
  }
  // The converter begins anew: the next conversion begins a sample.
  restart() {
    this.rounds = new Array(5).fill(ROUNDS);
    this.fresh = false;
  }
  nextRow() {
    this.rounds.fill(0);
    const bytes = 2 * this.channels;
    while (this.file !== null && this.buffer.length < bytes) {
      const chunk = Buffer.alloc(65536);
      const count = fs.readSync(this.file, chunk, 0, chunk.length, null);
      if (count === 0) {
        fs.closeSync(this.file);
        this.file = null; // after the file's end the electrodes are silent
        break;
      }
      this.buffer = Buffer.concat([this.buffer, chunk.subarray(0, count)]);
    }
    if (this.buffer.length < bytes) {
      this.row.fill(0);
      return;
    }
    for (let i = 0; i < this.channels; i++) {
      this.row[i] = this.buffer.readInt16LE(2 * i);
    }
    this.buffer = this.buffer.subarray(bytes);
    this.rows++;
  }
  // For a converter that converts all inputs at once.
  take() {
    this.nextRow();
    return this.row;
  }
  convert(input, many, nanos) {
    if (!many) {
      return input < this.channels ? this.code(input, 0) : this.constant[input];
    }
    if (this.rounds[input] === ROUNDS) {
      this.nextRow();
    }
    const round = this.rounds[input]++;
    const code = input < this.channels ? this.code(input, round) : this.constant[input];
    if (this.rounds[input] === ROUNDS) {
      this.onSample(input, nanos, code);
    }
    return code;
  }
  code(input, round) {
    const sum = 4 * (this.row[input] + MIDDLE);
    const code = Math.floor((sum * (round + 1)) / ROUNDS) - Math.floor((sum * round) / ROUNDS);
    return Math.max(0, Math.min(CODE_MAX, code));
  }
}

module.exports = { World };
