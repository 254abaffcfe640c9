// The front end and the SPI that leads to it, against the words of the ADS1299's data sheet (SBAS499C) and of the RP2040's:
// node --test firmware/sim/rp2040
'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { RP2040 } = require('rp2040js');
const { Ads, CLOCK_NS } = require('./ads.js');
const { Electrodes } = require('./ads_input.js');
const { Clock } = require('./clock.js');
const { Spi } = require('./spi.js');

const MS = 1e6;
const ROW = [100, -200, 300, -400, 500, -600, 700, -800];
const NORMAL = [0x96, 0xc0, 0xec, 0x00, ...Array(8).fill(0x50), 0xff, 0xff, 0xff, 0xff];

class Bench {
  constructor(options = {}) {
    this.clock = new Clock();
    this.falls = [];
    this.levels = [];
    this.truth = [];
    this.electrodes = new Electrodes({ take: () => ROW });
    this.ads = new Ads(this.clock, {
      kind: 'ads1299',
      input: this.electrodes,
      onDrdy: (level) => {
        this.levels.push([level, this.clock.nanos]);
        if (!level) {
          this.falls.push(this.clock.nanos);
        }
      },
      onValues: (nanos, codes) => this.truth.push(codes),
      ...options,
    });
  }
  wait(clocks) {
    this.clock.tick(clocks * CLOCK_NS);
  }
  // Bytes with a pause of so many clocks after each, and CS high at the end.
  say(bytes, { pause = 5, mode = 1, hz = 4e6 } = {}) {
    this.ads.pin('cs', 1);
    this.wait(3);
    this.ads.pin('cs', 0);
    const heard = bytes.map((byte) => {
      const out = this.ads.clocked(mode, hz);
      this.clock.tick((8 / hz) * 1e9);
      this.ads.take(byte);
      this.wait(pause);
      return out;
    });
    this.ads.pin('cs', 1);
    return heard;
  }
  register(at) {
    return this.say([0x20 | at, 0, 0])[2];
  }
  powerUp(wait = 130 * MS) {
    this.ads.pin('reset', 1);
    this.clock.tick(wait);
    this.ads.pin('reset', 0);
    this.wait(3);
    this.ads.pin('reset', 1);
    this.wait(20);
    return this;
  }
  ready() {
    this.powerUp().say([0x11]);
    this.say([0x41, NORMAL.length - 1, ...NORMAL]);
    this.say([0x57, 0, 2]);
    this.clock.tick(151 * MS);
    return this;
  }
  run(ms) {
    this.say([0x10]);
    this.ads.pin('start', 1);
    this.clock.tick(ms * MS);
    return this;
  }
  frame() {
    return this.say(Array(27).fill(0), { pause: 0, hz: 12.5e6 });
  }
}

const valueAt = (frame, channel) => ((frame[3 + 3 * channel] << 24) | (frame[4 + 3 * channel] << 16) | (frame[5 + 3 * channel] << 8)) >> 8;

// 11.1: "Wait for time tPOR, then transmit a reset pulse"; Table 30: tPOR 2^18 tCLK, tRST 2 tCLK.
test('it answers only after a reset pulse that comes 2^18 clocks after power-up', () => {
  const early = new Bench().powerUp(120 * MS);
  early.say([0x11]);
  assert.strictEqual(early.register(0), 0);
  const late = new Bench().powerUp();
  late.say([0x11]);
  assert.strictEqual(late.register(0), 0x3e);
});

// 9.6.1.1: ID "Always read 1 … 11 = ADS1299-x … 10 = 8-channel"; Table 11: the registers' defaults.
test('its registers begin with their defaults', () => {
  const bench = new Bench().powerUp();
  bench.say([0x11]);
  assert.strictEqual(bench.register(0) & 0x1f, 0x1e);
  assert.deepStrictEqual([1, 2, 3, 4, 5, 0x14].map((at) => bench.register(at)), [0x96, 0xc0, 0x60, 0x00, 0x61, 0x0f]);
});

// Table 10: "When in RDATAC mode, the RREG command is ignored"; 9.5.3.7: "a SDATAC command must be issued before any other
// commands", and this mode "is the device default mode".
test('while it gives data continuously it neither reads nor writes a register', () => {
  const bench = new Bench().powerUp();
  assert.strictEqual(bench.register(0), 0);
  bench.say([0x41, 0, 0x93]);
  bench.say([0x11]);
  assert.strictEqual(bench.register(1), 0x96);
});

// 9.5.3.1: "a 4 tCLK period must separate the end of one byte (or command) and the next"; 9.5.2.1: "always wait four or more
// tCLK cycles before taking CS high".
test('bytes of a command that come too fast are no command', () => {
  const bench = new Bench().powerUp();
  bench.say([0x11]);
  bench.say([0x41, 0, 0x93], { pause: 1 });
  bench.say([0x11], { pause: 1 });
  assert.strictEqual(bench.register(1), 0x96);
  assert.strictEqual(bench.ads.breaches.length, 2);
});

// 7.7: "SPI settings are CPOL = 0 and CPHA = 1"; 7.6: tSCLK at least 50 ns.
test('it understands only its own SPI mode, at 20 MHz at most', () => {
  const bench = new Bench().powerUp();
  bench.say([0x11]);
  bench.say([0x41, 0, 0x93], { mode: 0 });
  bench.say([0x41, 0, 0x93], { hz: 25e6 });
  assert.strictEqual(bench.register(1), 0x96);
});

// Table 7: settling times; 9.6.1.2: data rates. 9.4.1: without START "the device does not issue a DRDY signal".
test('DRDY falls after the settling time of the rate, then at the rate', () => {
  for (const [code, settles] of [[0, 521], [1, 1033], [2, 2057], [3, 4105], [4, 8201], [5, 16393], [6, 32777]]) {
    const bench = new Bench().ready();
    bench.say([0x41, 0, 0x90 | code]);
    bench.clock.tick(50 * MS);
    assert.strictEqual(bench.falls.length, 0);
    const began = bench.clock.nanos + 8 / 4e6 * 1e9 + 8 * CLOCK_NS; // START comes after RDATAC
    bench.run(40);
    assert.ok(Math.abs((bench.falls[0] - began) / CLOCK_NS - settles) < 1, `${code}`);
    assert.ok(Math.abs((bench.falls[1] - bench.falls[0]) / CLOCK_NS - (128 << code)) < 1e-6);
  }
});

// 9.4.4.1: "DRDY goes high on the first SCLK falling edge"; 9.4.1.1: "If data is not read back … DRDY goes high for 4 tCLK".
test('DRDY rises with the first clock of a reading, or four clocks before the next conversion', () => {
  const bench = new Bench().ready().run(22);
  const [level, at] = bench.levels.findLast(([high]) => high);
  assert.strictEqual(level, 1);
  assert.ok(Math.abs((bench.falls.at(-1) - at) / CLOCK_NS - 4) < 1e-6);
  const before = bench.clock.nanos;
  bench.frame();
  assert.ok(bench.levels.at(-1)[0] === 1 && bench.levels.at(-1)[1] - before < 5 * CLOCK_NS);
});

// 9.4.4.2: "(1100 + LOFF_STATP + LOFF_STATN + bits[4:7] of the GPIO register)", "twos complement and MSB first"; 9.5.1: the
// LSB is (2 x VREF / gain) / 2^24, and "the output clips".
test('a frame is the status word and eight values of 24 bits', () => {
  const bench = new Bench().ready();
  bench.electrodes.volts[7] = -0.5;
  const frame = bench.run(18).frame();
  assert.deepStrictEqual([...frame.slice(0, 3)], [0xc0, 0, 0]);
  assert.deepStrictEqual(ROW.slice(0, 7).map((_, i) => valueAt(frame, i)), ROW.slice(0, 7).map((count) => 8 * count));
  assert.strictEqual(valueAt(frame, 7), -(2 ** 23));
});

test('the gain that is set is the gain of the values', () => {
  const bench = new Bench().ready();
  bench.say([0x45, 0, 0x60]); // 24
  bench.say([0x46, 0, 0x81]); // "the corresponding channel output is set to '0'"
  const frame = bench.run(18).frame();
  assert.deepStrictEqual([0, 1, 2].map((i) => valueAt(frame, i)), [16 * ROW[0], 0, 8 * ROW[2]]);
});

// 7.5: internal reference, "Start-up time 150 ms".
test('before the reference has settled the values are worth nothing', () => {
  const bench = new Bench().powerUp();
  bench.say([0x11]);
  bench.say([0x41, NORMAL.length - 1, ...NORMAL]);
  assert.strictEqual(valueAt(bench.run(18).frame(), 0), 2 ** 23 - 1);
});

// 9.6.1 LOFF_STATP: "'0' is lead-on (default) and '1' is lead-off"; the bits count where LOFF_SENSP is set and CONFIG4 has the
// comparators on.
test('an electrode that is off drifts to the rail, and then its bit is set, if anybody looks after it', () => {
  const bench = new Bench().ready();
  bench.run(18);
  bench.electrodes.lead(2, 'p', true, bench.clock.nanos);
  bench.electrodes.lead(7, 'n', true, bench.clock.nanos);
  bench.clock.tick(40 * MS);
  assert.deepStrictEqual([...bench.frame().slice(0, 3)], [0xc0, 0, 0]);
  bench.clock.tick(50 * MS);
  const frame = bench.frame();
  assert.deepStrictEqual([...frame.slice(0, 3)], [0xc0, 0x48, 0x00]);
  assert.strictEqual(valueAt(frame, 2), 2 ** 23 - 1);
  bench.say([0x11]);
  assert.strictEqual(bench.register(0x12), 0b100);
  bench.say([0x57, 0, 0]);
  bench.run(18);
  assert.deepStrictEqual([...bench.frame().slice(0, 3)], [0xc0, 0, 0]);
});

// 9.4.2: a reset "returns all register settings to default values"; 9.4.5: when START goes low "the conversion in progress is
// allowed to complete".
test('START ends the conversions after the next one, and RESET ends everything', () => {
  const bench = new Bench().ready().run(18);
  const before = bench.falls.length;
  bench.ads.pin('start', 0);
  bench.clock.tick(50 * MS);
  assert.strictEqual(bench.falls.length, before + 1);
  bench.powerUp(0);
  bench.say([0x11]);
  assert.strictEqual(bench.register(3), 0x60);
});

// SBAS459: ID 92h; "00 = … make sure that FLEAD[1:0] are either set to 01 or 11"; HR halves the decimation.
test('the ADS1298 has another ID, another reference and other rates', () => {
  const bench = new Bench({ kind: 'ads1298' }).powerUp();
  bench.say([0x11]);
  const settings = [0x84, 0x40, 0xcc, 0x03, ...Array(8).fill(0x00), 0xff, 0xff, 0xff, 0xff];
  bench.say([0x41, settings.length - 1, ...settings]);
  assert.strictEqual(bench.register(0), 0x92);
  bench.clock.tick(151 * MS);
  const frame = bench.run(18.2).frame();
  assert.strictEqual(valueAt(frame, 1), 8 * ROW[1]);
  assert.ok(Math.abs((bench.falls[1] - bench.falls[0]) / CLOCK_NS - 1024) < 1e-6);
  assert.deepStrictEqual(bench.ads.breaches, []);
});

// RP2040 4.4.3: "fSSPCLK / (CPSDVSR x (1 + SCR))"; 4.4.2: "8 locations deep" both ways.
test('the SPI shifts a byte in eight clocks, and loses the ninth that nobody reads', () => {
  const clock = new Clock();
  const mcu = new RP2040(clock);
  const taken = [];
  const spi = new Spi(mcu, { clocked: (mode, hz) => (assert.deepStrictEqual([mode, hz], [1, 12.5e6]), 7), take: (byte) => taken.push(byte) });
  const write = (offset, value) => spi.writeUint32Atomic(offset, value, 0);
  write(0x00, (4 << 8) | (1 << 7) | 7);
  write(0x10, 2);
  write(0x08, 1);
  clock.tick(1e6);
  assert.deepStrictEqual(taken, []);
  write(0x04, 2);
  clock.tick(639);
  assert.deepStrictEqual(taken, []);
  clock.tick(2);
  assert.deepStrictEqual(taken, [1]);
  assert.strictEqual(spi.readUint32(0x08), 7);
  for (let i = 0; i < 9; i++) {
    write(0x08, i);
    clock.tick(1e3);
  }
  assert.strictEqual(spi.lost, 1);
});
