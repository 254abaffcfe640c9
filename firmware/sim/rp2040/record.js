// Events as hand-sim writes them, 16 bytes each: cycle u64, kind u16, index u16, value i32, little-endian.
'use strict';

const fs = require('fs');
const { stamp } = require('./stats.js');

const EVENT_BYTES = 16;

// path: of the trace; keep: until they are taken.
class Record {
  constructor(path, keep) {
    this.file = path ? fs.openSync(path, 'w') : null;
    this.keep = keep;
    this.buffer = Buffer.alloc(1 << 12); // small: what the trace misses so far is milliseconds old
    this.size = 0;
  }
  event(kind, nanos, index, value) {
    if (this.size + EVENT_BYTES > this.buffer.length) {
      if (this.keep) {
        this.buffer = Buffer.concat([this.buffer, Buffer.alloc(this.buffer.length)]);
      } else {
        this.flush();
      }
    }
    const at = this.size;
    const cycle = Math.round(stamp(nanos));
    this.buffer.writeUInt32LE(cycle % 2 ** 32, at);
    this.buffer.writeUInt32LE(Math.floor(cycle / 2 ** 32), at + 4);
    this.buffer.writeUInt16LE(kind, at + 8);
    this.buffer.writeUInt16LE(index, at + 10);
    this.buffer.writeInt32LE(value, at + 12);
    this.size += EVENT_BYTES;
  }
  take() {
    const taken = this.buffer.subarray(0, this.size);
    this.flush();
    return taken;
  }
  flush() {
    if (this.file !== null) {
      fs.writeSync(this.file, this.buffer, 0, this.size);
    }
    this.size = 0;
  }
}

module.exports = { Record };
