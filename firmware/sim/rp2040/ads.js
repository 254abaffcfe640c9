// The front end: an ADS1299, or an ADS1298, as its data sheet describes it (SBAS499C; sections in brackets; SBAS459K for the
// ADS1298). It has an oscillator of its own, and goes on while the processor hangs. The processor's reset lets go of its pins,
// whose pull-downs then keep it in reset.
'use strict';

const { convert } = require('./ads_input.js');

const CLOCK_NS = 1e9 / 2.048e6; // [7.5]
const POWER_UP = 2 ** 18; // clocks [11.1]
const RESET_LOW = 2; // [11.1]
const AFTER_RESET = 18; // [9.4.2]
const DECODE = 4; // [9.5.3.1]
const CS_HIGH = 2; // [7.6]
const UPDATE = 4; // [9.4.1.1]
const HZ_MAX = 20e6; // [7.6]
const CHANNELS = 8;
const SDATAC = 0x11;
const ANY_TIME = new Set([0x02, 0x04, 0x06, 0x08, 0x0a, SDATAC]); // [9.5.3]: also in RDATAC mode
const READ_ONLY = new Set([0x00, 0x12, 0x13]);

// Register values after a reset, and the conversion's clocks for a CONFIG1; `gain` by its code in CHnSET.
const KINDS = {
  ads1299: {
    id: 0x3e,
    defaults: [0x96, 0xc0, 0x60, 0x00, ...Array(8).fill(0x61)],
    fixed: [[0x01, 0x98, 0x90], [0x02, 0xe8, 0xc0], [0x03, 0x60, 0x60], [0x04, 0x10, 0x00], [0x16, 0xff, 0x00]],
    clocks: (config1) => 128 << (config1 & 7),
    gain: [1, 2, 4, 6, 8, 12, 24],
    usualGain: 12,
    vref: () => 4.5,
    directCurrent: (loff) => (loff & 3) === 0,
  },
  ads1298: {
    id: 0x92,
    defaults: [0x06, 0x40, 0x40, 0x00, ...Array(8).fill(0x00)],
    fixed: [[0x01, 0x18, 0x00], [0x02, 0xc8, 0x40], [0x03, 0x40, 0x40]],
    clocks: (config1) => (config1 & 0x80 ? 64 : 128) << (config1 & 7),
    gain: [6, 1, 2, 3, 4, 8, 12],
    usualGain: 6,
    vref: (config3) => (config3 & 0x20 ? 4 : 2.4),
    directCurrent: (loff) => (loff & 3) === 3,
  },
};

class Ads {
  // id: another than its kind's; stuck: its registers cannot be written; absent: there is no chip.
  // input: counts and electrodes (ads_input.js); onDrdy(level), onValues(nanos, codes)
  constructor(clock, { kind, id, stuck = false, absent = false, input, onDrdy, onValues }) {
    Object.assign(this, { clock, stuck, absent, input, onDrdy, onValues });
    this.kind = KINDS[kind];
    this.id = id ?? this.kind.id;
    this.stalled = false; // DRDY stays as it is
    this.breaches = []; // of the data sheet's times
    this.pins = { reset: 0, start: 0, cs: 0 };
    this.poweredAt = clock.nanos;
    this.alive = false; // [11.1]: not before a reset pulse after tPOR
    this.drdy = 1;
    this.rise = clock.createAlarm(() => this.setDrdy(1));
    this.ready = clock.createAlarm(() => this.converted());
    this.decoded = clock.createAlarm(() => this.execute());
  }
  // Nobody drives its pins.
  released() {
    ['cs', 'start', 'reset'].forEach((name) => this.pin(name, 0));
    this.decoded.cancel();
  }
  since(nanos) {
    return (this.clock.nanos - nanos) / CLOCK_NS;
  }
  breach(what) {
    this.breaches.push(what);
    this.deaf = true; // until CS is high
  }

  // ---- pins ----
  pin(name, level) {
    const was = this.pins[name];
    this.pins[name] = level;
    if (was === level || this.absent) {
      return;
    }
    if (name === 'reset') {
      this.resetPin(level);
    } else if (name === 'start' && this.alive) {
      level ? this.begin() : (this.stopping = true); // [9.4.5]: the conversion in progress completes
    } else if (name === 'cs') {
      this.chipSelect(level);
    }
  }
  resetPin(level) {
    if (!level) {
      this.lowAt = this.clock.nanos;
      this.halt();
      return;
    }
    const pulse = this.lowAt !== undefined && this.since(this.lowAt) >= RESET_LOW;
    if (pulse && (this.lowAt - this.poweredAt) / CLOCK_NS >= POWER_UP) {
      this.alive = true;
      this.toDefaults();
    }
  }
  chipSelect(level) {
    if (level) {
      if (this.decoded.scheduled) {
        this.decoded.cancel();
        this.breaches.push('CS went high within 4 clocks after a command');
      }
      this.csAt = this.clock.nanos;
      return;
    }
    this.deaf = false;
    if (this.csAt !== undefined && this.since(this.csAt) < CS_HIGH) {
      this.breach('CS was high for less than 2 clocks');
    }
    this.bytes = [];
    this.reading = null;
    this.outAt = 0;
  }
  setDrdy(level) {
    if (!this.stalled && this.drdy !== level) {
      this.drdy = level;
      this.onDrdy(level);
    }
  }
  toDefaults() {
    this.registers = new Uint8Array(0x1a);
    this.registers.set(this.kind.defaults, 1);
    this.registers[0] = this.id;
    this.registers[0x14] = 0x0f;
    this.continuous = true; // [9.5.3.7]
    this.resetAt = this.clock.nanos;
    this.bytes = [];
    this.out = new Uint8Array(3 + 3 * CHANNELS);
    this.outAt = 0;
    this.referenceOn = undefined;
    this.halt();
    if (this.pins.start) {
      this.begin();
    }
  }

  // ---- conversions ----
  get clocks() {
    return this.kind.clocks(this.registers[1]);
  }
  halt() {
    this.ready.cancel();
    this.rise.cancel();
    this.setDrdy(1);
  }
  begin() {
    this.stopping = false;
    this.halt();
    this.ready.schedule((4 * this.clocks + 9) * CLOCK_NS); // [Table 7]
  }
  converted() {
    const { codes, status } = convert(this);
    this.onValues(this.clock.nanos, codes);
    if (this.continuous) {
      this.load(status, codes);
    }
    this.setDrdy(0);
    if (!this.stopping) {
      this.ready.schedule(this.clocks * CLOCK_NS);
      this.rise.schedule((this.clocks - UPDATE) * CLOCK_NS); // [9.4.1.1]: where nobody has read
    }
  }
  load(status, codes) {
    [status, ...codes.map((code) => code ?? 0)].forEach((value, i) => {
      this.out[3 * i] = value >> 16;
      this.out[3 * i + 1] = value >> 8;
      this.out[3 * i + 2] = value;
    });
    this.outAt = 0;
  }

  // ---- SPI ----
  // A byte's first edge; the byte that comes back.
  clocked(mode, hz) {
    if (this.absent || !this.alive) {
      return 0;
    }
    this.setDrdy(1); // [9.4.4.1]
    if (this.pins.cs) {
      return 0; // [9.5.2.1]
    }
    if (mode !== 1 || hz > HZ_MAX) {
      this.breach(mode !== 1 ? 'not CPOL 0 and CPHA 1' : 'SCLK is faster than 20 MHz');
    }
    if (this.deaf || this.since(this.resetAt) < AFTER_RESET) {
      return 0;
    }
    const { reading, bytes } = this;
    if (reading && bytes.length >= 2) {
      return this.registers[reading.first + bytes.length - 2] ?? 0;
    }
    return this.continuous && bytes.every((byte) => byte === 0) ? this.out[this.outAt++] ?? 0 : 0;
  }
  // Its last edge.
  take(byte) {
    if (this.absent || !this.alive || this.pins.cs || this.deaf || this.since(this.resetAt) < AFTER_RESET) {
      return;
    }
    if (this.decoded.scheduled) {
      this.decoded.cancel();
      this.breach('a byte ended within 4 clocks after a command');
      return;
    }
    this.bytes.push(byte);
    if (this.bytes.some((one) => one !== 0)) {
      this.decoded.schedule(DECODE * CLOCK_NS);
    }
  }
  // [9.5.3] Four clocks after a byte: what it makes of the bytes since CS went low.
  execute() {
    const [opcode, count] = this.bytes;
    if (this.continuous && !ANY_TIME.has(opcode)) {
      return; // [Table 10, 9.5.3.7]: SDATAC comes first
    }
    const first = opcode & 0x1f;
    const length = this.bytes.length;
    this.reading = opcode >> 5 === 1 && length >= 2 && length <= 2 + count ? { first } : null;
    if (opcode >> 5 === 2 && length >= 3 && length <= 3 + count) {
      this.write(first + length - 3, this.bytes[length - 1]);
    } else if (length === 1) {
      this.command(opcode);
    }
  }
  command(opcode) {
    if (opcode === 0x06) {
      this.toDefaults();
    } else if (opcode === 0x10 || opcode === SDATAC) {
      this.continuous = opcode === 0x10;
    } else if (opcode === 0x08 && !this.ready.scheduled) {
      this.begin();
    } else if (opcode === 0x0a) {
      this.stopping = true;
    }
  }
  write(at, value) {
    if (this.stuck || READ_ONLY.has(at) || at >= this.registers.length) {
      return;
    }
    const [, mask, must] = this.kind.fixed.find(([register]) => register === at) ?? [at, 0, 0];
    if ((value & mask) !== must) {
      this.breaches.push(`register ${at} was written with ${value}`); // reserved bits
    }
    if (at === 3 && value & 0x80 && !(this.registers[3] & 0x80)) {
      this.referenceOn = this.clock.nanos;
    }
    this.registers[at] = value;
    if (at === 1 && this.ready.scheduled) {
      this.begin(); // [9.4.2]: the filter begins anew
    }
  }
}

module.exports = { Ads, CLOCK_NS, KINDS };
