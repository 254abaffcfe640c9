// The PWM of the RP2040; blocks.js says after what.
'use strict';

const { Block, CPU_HZ, IRQ } = require('./blocks.js');

// [4.5] One slice. TOP and CC take hold at the wrap; the output is high while the counter is below CC.
class Slice {
  constructor(pwm, index) {
    this.pwm = pwm;
    this.index = index;
    this.compare = this.nextCompare = 0;
    this.top = this.nextTop = 0xffff;
    this.div = 1 << 4;
    this.on = false;
    this.began = 0;
    this.wrapAlarm = pwm.clock.createAlarm(() => this.wrap());
    this.falls = [0, 1].map((output) => pwm.clock.createAlarm(() => pwm.drive(index, output, 0)));
  }
  get tickNanos() {
    return (((this.div >> 4 || 256) * 16 + (this.div & 15)) / 16 / CPU_HZ) * 1e9;
  }
  get count() {
    return this.on ? Math.floor((this.pwm.clock.nanos - this.began) / this.tickNanos + 1e-6) : 0;
  }
  enable(on) {
    if (on && !this.on) {
      this.on = true;
      this.period();
    } else if (!on) {
      this.on = false;
      this.wrapAlarm.cancel();
    }
  }
  wrap() {
    this.pwm.wrapped(this.index);
    this.period();
  }
  period() {
    this.began = this.pwm.clock.nanos;
    this.compare = this.nextCompare;
    this.top = this.nextTop;
    for (const output of [0, 1]) {
      const width = (this.compare >>> (16 * output)) & 0xffff;
      this.pwm.drive(this.index, output, width > 0 ? 1 : 0);
      if (width > 0 && width <= this.top) {
        this.falls[output].schedule(width * this.tickNanos);
      }
    }
    this.wrapAlarm.schedule((this.top + 1) * this.tickNanos);
  }
}

class Pwm extends Block {
  constructor(mcu, onOutput) {
    super(mcu, 'PWM');
    this.onOutput = onOutput; // (pin, level)
    this.slices = Array.from({ length: 8 }, (_, i) => new Slice(this, i));
    this.levels = new Array(16).fill(0);
    this.raw = 0;
  }
  drive(slice, output, level) {
    if (this.levels[2 * slice + output] === level) {
      return;
    }
    this.levels[2 * slice + output] = level;
    for (const pin of [2 * slice + output, 16 + 2 * slice + output]) {
      if (pin < 30 && this.mcu.gpio[pin].functionSelect === 4) {
        this.onOutput(pin, level);
      }
    }
  }
  wrapped(slice) {
    this.raw |= 1 << slice;
    this.update();
  }
  update() {
    this.mcu.setInterrupt(IRQ.pwm, (this.raw & this.get(0xa8)) !== 0);
  }
  readUint32(offset) {
    if (offset < 0xa0) {
      const slice = this.slices[Math.floor(offset / 0x14)];
      return [slice.on ? 1 : 0, slice.div, slice.count, slice.nextCompare, slice.nextTop][(offset % 0x14) / 4] >>> 0;
    }
    switch (offset) {
      case 0xa0:
        return this.slices.reduce((bits, slice, i) => bits | (slice.on ? 1 << i : 0), 0);
      case 0xa4:
        return this.raw;
      case 0xb0:
        return this.raw & this.get(0xa8);
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    if (offset < 0xa0) {
      const slice = this.slices[Math.floor(offset / 0x14)];
      switch (offset % 0x14) {
        case 0x00:
          slice.enable((value & 1) !== 0);
          break;
        case 0x04:
          slice.div = value & 0xfff;
          break;
        case 0x0c:
          slice.nextCompare = value >>> 0;
          break;
        case 0x10:
          slice.nextTop = value & 0xffff;
          break;
      }
      return;
    }
    super.writeUint32(offset, value);
    if (offset === 0xa0) {
      this.slices.forEach((slice, i) => slice.enable((value & (1 << i)) !== 0));
    } else if (offset === 0xa4) {
      this.raw &= ~this.rawWriteValue;
    }
    this.update();
  }
}

module.exports = { Pwm };
