// The converter of the RP2040; blocks.js says after what.
'use strict';

const { Block, IRQ } = require('./blocks.js');

const ADC_CLOCK_NS = 1e9 / 48e6;

// [4.9] Round robin over the inputs; each conversion takes 96 clocks of 48 MHz and begins 1 + DIV clocks after the one
// before. The value is that of the moment at which it begins. A FIFO of four.
class Adc extends Block {
  constructor(mcu, convert, stalled) {
    super(mcu, 'ADC');
    this.convert = convert; // (input, many) => code
    this.stalled = stalled; // () => a conversion never ends
    this.fifo = [];
    this.errors = 0;
    this.busy = false;
    this.result = 0;
    this.conversions = this.lost = 0;
    this.done = this.clock.createAlarm(() => this.finish());
    this.next = this.clock.createAlarm(() => this.begin(true));
  }
  get cs() {
    return this.get(0);
  }
  get divider() {
    const div = this.get(0x10);
    return 1 + (div >>> 8) + (div & 0xff) / 256;
  }
  begin(many) {
    if (this.stalled()) {
      this.busy = true;
      return;
    }
    this.busy = true;
    this.conversions++;
    this.held = this.convert((this.cs >>> 12) & 7, many);
    if (many) {
      this.next.schedule(Math.max(96, this.divider) * ADC_CLOCK_NS);
    }
    this.done.schedule(96 * ADC_CLOCK_NS); // of two alarms at one time, the one that was set last fires first
  }
  finish() {
    this.busy = false;
    this.result = this.held;
    if (this.get(0x08) & 1) {
      if (this.fifo.length === 4) {
        this.errors |= 1 << 11;
        this.lost++;
      } else {
        this.fifo.push(this.held);
      }
    }
    const robin = (this.cs >>> 16) & 0x1f;
    if (robin) {
      let input = (this.cs >>> 12) & 7;
      do {
        input = (input + 1) % 5;
      } while (!(robin & (1 << input)));
      this.regs[0] = (this.cs & ~(7 << 12)) | (input << 12);
    }
    this.update();
  }
  readUint32(offset) {
    switch (offset) {
      case 0x00:
        return (this.cs | (this.busy ? 0 : 1 << 8)) >>> 0;
      case 0x04:
        return this.result;
      case 0x08: {
        const level = this.fifo.length;
        const state = (level << 16) | this.errors | (level === 4 ? 1 << 9 : 0) | (level ? 0 : 1 << 8);
        return (this.get(8) | state) >>> 0;
      }
      case 0x0c: {
        const value = this.fifo.length ? this.fifo.shift() : 0;
        this.update();
        return value;
      }
      case 0x14:
        return this.raw;
      case 0x20:
        return this.raw & this.get(0x18);
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    const was = this.cs;
    if (offset === 0x00) {
      this.regs[0] = value & 0x1f700f & ~4;
      const many = (value & 9) === 9;
      if (!many) {
        this.next.cancel();
      }
      if (many && !(was & 8)) {
        this.begin(true);
      } else if ((value & 5) === 5 && !many && !this.busy) {
        this.begin(false);
      }
    } else if (offset === 0x08) {
      this.errors &= ~value;
      this.regs[8] = value & 0x0f00000f;
    } else {
      super.writeUint32(offset, value);
    }
    this.update();
  }
  get raw() {
    const level = (this.get(8) >>> 24) & 0xf;
    return this.fifo.length >= level && level > 0 ? 1 : 0;
  }
  update() {
    this.mcu.setInterrupt(IRQ.adc, (this.raw & this.get(0x18)) !== 0);
  }
}

module.exports = { Adc };
