// The flash chip behind the SSI in the mode in which software sends single bytes [4.10], as a W25Q16: a byte program takes
// 0.5 ms and can only clear bits, a sector's erasure 45 ms. Power that is lost in between leaves what was reached.
'use strict';

const { Block } = require('./blocks.js');

const PROGRAM_NANOS = 0.5e6;
const ERASE_NANOS = 45e6;
const SECTOR = 4096;
const UNIQUE_ID = [0xe6, 0x61, 0x38, 0x52, 0x83, 0x1b, 0x4a, 0x2c];

class FlashChip {
  constructor(memory) {
    this.memory = memory; // survives resets and power cuts
    this.stalled = false;
    this.busyUntil = 0;
    this.cut = null; // what a power cut leaves half done
    this.deselect(0);
  }
  busy(now) {
    return this.stalled ? this.stalledAt !== undefined || now < this.busyUntil : now < this.busyUntil;
  }
  select() {
    this.bytes = [];
    this.selected = true;
  }
  exchange(byte, now) {
    if (!this.selected) {
      return 0xff;
    }
    const n = this.bytes.push(byte);
    switch (this.bytes[0]) {
      case 0x05:
        return this.busy(now) ? 1 : 0;
      case 0x03:
        return n > 4 ? this.memory[this.address + n - 5] : 0xff;
      case 0x4b:
        return n > 5 ? UNIQUE_ID[n - 6] ?? 0xff : 0xff;
    }
    return 0xff;
  }
  get address() {
    return (this.bytes[1] << 16) | (this.bytes[2] << 8) | this.bytes[3];
  }
  deselect(now) {
    const bytes = this.bytes ?? [];
    if (this.selected && !this.busy(now)) {
      this.execute(bytes, now);
    }
    this.selected = false;
  }
  execute(bytes, now) {
    if (bytes[0] === 0x06) {
      this.writable = true;
    } else if (bytes[0] === 0x02 && this.writable && bytes.length > 4) {
      const at = this.address;
      const before = this.memory.slice(at, at + bytes.length - 4);
      bytes.slice(4).forEach((byte, i) => (this.memory[at + i] &= byte));
      this.begin(now, PROGRAM_NANOS, at, before);
    } else if (bytes[0] === 0x20 && this.writable) {
      const at = this.address & ~(SECTOR - 1);
      const before = this.memory.slice(at, at + SECTOR);
      this.memory.fill(0xff, at, at + SECTOR);
      this.begin(now, ERASE_NANOS, at, before);
    }
  }
  begin(now, nanos, at, before) {
    this.writable = false;
    this.busyUntil = now + nanos;
    this.cut = { began: now, nanos, at, before };
  }
  // A share of the bits has got there, the others have not.
  powerLost(now, random) {
    if (this.cut && now < this.busyUntil) {
      const share = (now - this.cut.began) / this.cut.nanos;
      this.cut.before.forEach((old, i) => {
        let mask = 0;
        for (let bit = 0; bit < 8; bit++) {
          mask |= random() < share ? 0 : 1 << bit;
        }
        const now_ = this.memory[this.cut.at + i];
        this.memory[this.cut.at + i] = (now_ & ~mask) | (old & mask);
      });
    }
    this.busyUntil = 0;
    this.writable = false;
  }
  stall(stalled) {
    this.stalled = stalled;
    this.stalledAt = stalled ? 0 : undefined;
  }
}

class Ssi extends Block {
  constructor(mcu, chip) {
    super(mcu, 'SSI');
    this.chip = chip;
    this.received = [];
  }
  readUint32(offset) {
    switch (offset) {
      case 0x28:
        return 0x06 | (this.received.length ? 8 : 0);
      case 0x60:
        return this.received.length ? this.received.shift() : 0;
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    if (offset === 0x60) {
      this.received.push(this.chip.exchange(value & 0xff, this.clock.nanos));
    } else {
      super.writeUint32(offset, value);
    }
  }
}

// IO_QSPI: of it only the override of the chip select.
class SelectPin extends Block {
  constructor(mcu, chip) {
    super(mcu, 'IO_QSPI');
    this.chip = chip;
  }
  writeUint32(offset, value) {
    super.writeUint32(offset, value);
    if (offset === 0x0c) {
      const over = (value >> 8) & 3;
      if (over === 2) {
        this.chip.select();
      } else if (over === 3) {
        this.chip.deselect(this.clock.nanos);
      }
    }
  }
}

// ---- The EEPROM that the firmware keeps in it (eeprom.c), for tests that look at it or set it ----

const AREAS = [0x1f0000, 0x1f4000];
const RECORDS = 4096;
const EEPROM_BYTES = 1024; // an AVR's, so that the tests see one; the firmware keeps 256

function sealed(bits) {
  let zeros = 0;
  for (let i = 0; i < 24; i++) {
    zeros += (bits & (1 << i)) === 0 ? 1 : 0;
  }
  return ((zeros << 24) | bits) >>> 0;
}

function areaOf(view) {
  const heads = AREAS.map((at) => view.getUint32(at, true));
  const good = heads.map((head) => head === sealed(head & 0xffffff) && ((head >> 16) & 0xff) === 0x4d);
  const secondNewer = ((heads[1] - heads[0]) << 16) >> 16 > 0;
  return good[1] && (secondNewer || !good[0]) ? 1 : good[0] ? 0 : -1;
}

function readEeprom(memory) {
  const view = new DataView(memory.buffer, memory.byteOffset);
  const bytes = Buffer.alloc(EEPROM_BYTES, 0xff);
  const area = areaOf(view);
  for (let i = 1; area >= 0 && i < RECORDS; i++) {
    const word = view.getUint32(AREAS[area] + 4 * i, true);
    if (word === 0xffffffff) {
      break;
    }
    if (word === sealed(word & 0xffffff) && (word & 0xffff) < EEPROM_BYTES) {
      bytes[word & 0xffff] = (word >> 16) & 0xff;
    }
  }
  return bytes;
}

function writeEeprom(memory, bytes) {
  const view = new DataView(memory.buffer, memory.byteOffset);
  memory.fill(0xff, AREAS[0], AREAS[1] + 4 * RECORDS);
  view.setUint32(AREAS[0], sealed(0x4d0000), true);
  let record = 1;
  bytes.forEach((byte, at) => {
    if (byte !== 0xff && at < 256) {
      view.setUint32(AREAS[0] + 4 * record++, sealed(at | (byte << 16)), true);
    }
  });
}

module.exports = { FlashChip, SelectPin, Ssi, readEeprom, writeEeprom };
