// Blocks of the chip that rp2040js simplifies or lacks, after the RP2040 data sheet (sections in brackets). README.md says
// what is wrong in rp2040js; test/blocks.test.js has a test for each.
'use strict';

const { BasePeripheral } = require('./node_modules/rp2040js/dist/cjs/peripherals/peripheral.js');

const CPU_HZ = 125e6;
const ADC_CLOCK_NS = 1e9 / 48e6;
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

// [4.2] PL011: 32 bytes deep, ten bits a byte, both ways; the line that the host has is at the board's own speed.
const LEVELS = [4, 8, 16, 24, 28];

class Uart extends Block {
  constructor(mcu, onSent, onHeard) {
    super(mcu, 'UART0');
    this.onSent = onSent;
    this.onHeard = onHeard;
    this.tx = [];
    this.rx = [];
    this.raw = 0;
    this.shifting = this.over = false;
    this.lost = 0;
    this.coming = []; // { at, byte }
    this.regs[0x34] = 0x12;
    this.regs[0x30] = 0x300;
    this.txDone = this.clock.createAlarm(() => this.shifted());
    this.rxDone = this.clock.createAlarm(() => this.received());
    this.pause = this.clock.createAlarm(() => this.rx.length && this.flag(1 << 6));
  }
  get byteNanos() {
    return ((10 * 16 * (this.get(0x24) + this.get(0x28) / 64)) / CPU_HZ) * 1e9;
  }
  flag(bits) {
    this.raw |= bits;
    this.update();
  }
  update() {
    this.mcu.setInterrupt(IRQ.uart0, (this.raw & this.get(0x38)) !== 0);
  }
  shift() {
    if (!this.shifting && this.tx.length) {
      this.shifting = true;
      this.current = this.tx.shift();
      this.txDone.schedule(this.byteNanos);
    }
  }
  shifted() {
    this.shifting = false;
    this.onSent([this.current]);
    this.shift();
    if (this.tx.length === LEVELS[this.get(0x34) & 7]) {
      this.flag(1 << 5);
    }
  }
  send(bytes, atNanos) {
    for (const byte of bytes) {
      this.coming.push({ at: atNanos, byte });
    }
    this.listen();
  }
  listen() {
    if (!this.rxDone.scheduled && this.coming.length && this.get(0x30) & 1 && this.get(0x24)) {
      this.rxDone.schedule(Math.max(0, this.coming[0].at - this.clock.nanos) + this.byteNanos);
    }
  }
  received() {
    const { byte } = this.coming.shift();
    if (this.rx.length < 32) {
      this.rx.push(byte | (this.over ? 1 << 11 : 0));
      this.over = false;
    } else {
      this.over = true;
      this.lost++;
    }
    this.onHeard([byte]);
    if (this.rx.length >= LEVELS[(this.get(0x34) >> 3) & 7]) {
      this.raw |= 1 << 4;
    }
    this.pause.schedule(3.2 * this.byteNanos);
    this.update();
    this.listen();
  }
  readUint32(offset) {
    switch (offset) {
      case 0x00: {
        const value = this.rx.length ? this.rx.shift() : 0;
        if (this.rx.length < LEVELS[(this.get(0x34) >> 3) & 7]) {
          this.raw &= ~(1 << 4);
        }
        if (!this.rx.length) {
          this.raw &= ~(1 << 6);
        }
        this.update();
        return value;
      }
      case 0x18: {
        const tx = (this.tx.length ? 0 : 1 << 7) | (this.tx.length >= 32 ? 1 << 5 : 0) | (this.shifting ? 1 << 3 : 0);
        return tx | (this.rx.length >= 32 ? 1 << 6 : 0) | (this.rx.length ? 0 : 1 << 4);
      }
      case 0x3c:
        return this.raw;
      case 0x40:
        return this.raw & this.get(0x38);
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    if (offset === 0x00) {
      if (this.tx.length >= 32) {
        throw new Error('the firmware writes into a full UART');
      }
      this.tx.push(value & 0xff);
      if (this.tx.length > LEVELS[this.get(0x34) & 7]) {
        this.raw &= ~(1 << 5);
      }
      this.shift();
    } else if (offset === 0x44) {
      this.raw &= ~value;
    } else {
      super.writeUint32(offset, value);
      this.listen();
    }
    this.update();
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

module.exports = { Adc, Block, CPU_HZ, Fixed, IRQ, Pwm, Timer, Uart, Watchdog };
