// Blocks of the chip that rp2040js simplifies or lacks, after the RP2040 data sheet (sections in brackets). README.md says
// what is wrong in rp2040js; test.js has a test for each.
'use strict';

const { BasePeripheral } = require('./node_modules/rp2040js/dist/cjs/peripherals/peripheral.js');

const CPU_HZ = 125e6;
const IRQ = { timer0: 0, pwm: 4, usb: 5, uart0: 20, adc: 22 };

// A block keeps its registers in `regs`; reads and writes of others are plain.
class Block extends BasePeripheral {
  constructor(mcu, name) {
    super(mcu, name);
    this.mcu = mcu;
    this.clock = mcu.clock;
    this.regs = {};
  }
  readUint32(offset) {
    return (this.regs[offset] ?? 0) >>> 0;
  }
  writeUint32(offset, value) {
    this.regs[offset] = value >>> 0;
  }
  get(offset) {
    return this.regs[offset] ?? 0;
  }
}

// [4.6] Counts whole microseconds; an alarm compares the low word, and fires when the count gets there.
class Timer extends Block {
  constructor(mcu, microsAtReset) {
    super(mcu, 'TIMER');
    this.offsetNanos = microsAtReset * 1000 - this.clock.nanos;
    this.raw = 0;
    this.alarm = this.clock.createAlarm(() => {
      this.raw |= 1;
      this.update();
    });
  }
  get micros() {
    return Math.floor((this.clock.nanos + this.offsetNanos) / 1000);
  }
  readUint32(offset) {
    switch (offset) {
      case 0x08:
      case 0x24:
        return Math.floor(this.micros / 2 ** 32);
      case 0x0c:
      case 0x28:
        return this.micros % 2 ** 32;
      case 0x34:
        return this.raw;
      case 0x40:
        return this.raw & this.get(0x38);
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    super.writeUint32(offset, value);
    if (offset === 0x10) {
      const ahead = (value - (this.micros % 2 ** 32)) >>> 0;
      const due = (this.micros + ahead) * 1000 - this.offsetNanos;
      this.alarm.schedule(Math.max(0, due - this.clock.nanos));
    } else if (offset === 0x34) {
      this.raw &= ~this.rawWriteValue;
    }
    this.update();
  }
  update() {
    this.mcu.setInterrupt(IRQ.timer0, (this.raw & this.get(0x38)) !== 0);
  }
}

// [4.7] Erratum RP2040-E1: the counter falls by two each microsecond.
class Watchdog extends Block {
  constructor(mcu, reason, scratch, onBite) {
    super(mcu, 'WATCHDOG');
    Object.assign(this.regs, scratch);
    this.regs[0x08] = reason;
    this.alarm = this.clock.createAlarm(onBite);
  }
  get scratch() {
    return Object.fromEntries(Object.entries(this.regs).filter(([at]) => at >= 0x0c && at <= 0x28));
  }
  writeUint32(offset, value) {
    if (offset === 0x08) {
      return;
    }
    super.writeUint32(offset, value);
    const on = (this.get(0) & (1 << 30)) !== 0 && (this.get(0x2c) & (1 << 9)) !== 0;
    if (!on) {
      this.alarm.cancel();
    } else if (offset === 0x04 || offset === 0x00 || offset === 0x2c) {
      this.alarm.cancel();
      this.alarm.schedule(((this.get(0x04) & 0xffffff) / 2) * 1000);
    }
  }
}

// Registers that answer what a reset leaves there.
class Fixed extends Block {
  constructor(mcu, name, read) {
    super(mcu, name);
    this.read = read;
  }
  readUint32(offset) {
    return this.read(offset) ?? super.readUint32(offset);
  }
}

module.exports = { Block, CPU_HZ, Fixed, IRQ, Timer, Watchdog };
