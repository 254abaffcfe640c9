// Each thing that rp2040js 1.4.1 has wrong and a block of ours has right, against the words of the RP2040 data sheet (build
// of 2024-10-15) and of its core's manuals: node --test firmware/sim/rp2040
'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { RP2040 } = require('rp2040js');
const { Adc } = require('./adc.js');
const { Timer, Watchdog } = require('./blocks.js');
const { Board, bootCrc } = require('./board.js');
const { Clock } = require('./clock.js');
const { FlashChip, readEeprom, writeEeprom } = require('./flash.js');
const { Pwm } = require('./pwm.js');
const { Stats } = require('./stats.js');
const { Uart } = require('./uart.js');
const { World } = require('./world.js');

function chip() {
  const clock = new Clock();
  const mcu = new RP2040(clock);
  mcu.interrupts = {};
  mcu.setInterrupt = (irq, on) => (mcu.interrupts[irq] = on);
  return { clock, mcu };
}

function write(block, offset, value) {
  block.writeUint32Atomic(offset, value, 0);
}

test('an alarm that has fired is no longer scheduled', () => {
  const { clock } = chip();
  const alarm = clock.createAlarm(() => {});
  alarm.schedule(10);
  clock.tick(20);
  assert.strictEqual(alarm.scheduled, false);
});

// 4.9.2: "round-robin sampling: cycle through the channels in RROBIN, from AINSEL on"; 4.9.2.2: "trigger one conversion
// per DIV + 1 cycles"; a conversion takes 96 cycles of 48 MHz.
test('the converter goes round the inputs, one conversion each 1 + DIV clocks', () => {
  const { clock, mcu } = chip();
  const seen = [];
  const adc = new Adc(mcu, (input) => seen.push([input, clock.nanos]) && input, () => false);
  write(adc, 0x10, (375 - 1) << 8);
  write(adc, 0x00, 1 | 8 | (0b1011 << 16));
  clock.tick(50_000);
  assert.deepStrictEqual(seen.slice(0, 5).map(([input]) => input), [0, 1, 3, 0, 1]);
  seen.slice(1).forEach(([, at], i) => assert.ok(Math.abs(at - seen[i][1] - 7812.5) < 1e-6));
});

// 4.9.2.4: "FCS.OVER: 1 if the FIFO has been overflowed"; 4.9.6: FIFO_INTR "triggered when the sample FIFO reaches a certain
// level", so reading below that level lowers it.
test("reading the converter's FIFO lowers its interrupt, and a fifth value is lost and told", () => {
  const { clock, mcu } = chip();
  const adc = new Adc(mcu, () => 7, () => false);
  write(adc, 0x08, 1 | (2 << 24));
  write(adc, 0x18, 1);
  write(adc, 0x00, 1 | 8 | (1 << 16));
  clock.tick(5_000);
  assert.strictEqual(mcu.interrupts[22], true);
  adc.readUint32(0x0c);
  assert.strictEqual(mcu.interrupts[22], false);
  clock.tick(10_000);
  assert.ok(adc.readUint32(0x08) & (1 << 11));
});

// 4.5.2.3: "the CC and TOP registers are double-buffered … the new value takes effect when the counter wraps".
test('a pulse width that is written takes hold when the counter wraps, and 0 is no pulse', () => {
  const { clock, mcu } = chip();
  const edges = [];
  mcu.gpio[2].ctrl = 4;
  const pwm = new Pwm(mcu, (pin, level) => edges.push([pin, level, clock.nanos]));
  write(pwm, 0x14 + 0x04, (62 << 4) | 8); // 2 MHz
  write(pwm, 0x14 + 0x10, 9_999); // 5 ms
  write(pwm, 0xa0, 1 << 1);
  write(pwm, 0x14 + 0x0c, 3_000);
  clock.tick(11e6);
  write(pwm, 0x14 + 0x0c, 0);
  clock.tick(10e6);
  const highs = edges.filter(([, level]) => level);
  const falls = edges.filter(([, level]) => !level);
  assert.deepStrictEqual(highs.map(([, , at]) => at), [5e6, 10e6]);
  assert.deepStrictEqual(falls.map(([, , at]) => at), [6.5e6, 11.5e6]);
});

// 4.6.1: alarms "match on the lower 32 bits of the counter".
test('an alarm of the timer fires when the count gets there, over the wrap too', () => {
  const { clock, mcu } = chip();
  const timer = new Timer(mcu, 2 ** 32 - 500);
  write(timer, 0x38, 1);
  write(timer, 0x10, 500);
  clock.tick(999_999);
  assert.ok(!mcu.interrupts[0]);
  clock.tick(1);
  assert.ok(mcu.interrupts[0]);
});

// Erratum RP2040-E1: "the watchdog counter is decremented twice per tick".
test('the watchdog bites after half its count in microseconds, and not again by itself', () => {
  const { clock, mcu } = chip();
  const bites = [];
  const watchdog = new Watchdog(mcu, 0, {}, () => bites.push(clock.nanos));
  write(watchdog, 0x2c, (1 << 9) | 12);
  write(watchdog, 0x04, 240_000);
  write(watchdog, 0x00, 1 << 30);
  clock.tick(1e9);
  assert.deepStrictEqual(bites, [120e6]);
});

// 4.2.2.4: "32 × 8 TX and 32 × 12 RX FIFOs"; a byte takes ten bits of the baud rate.
test('the UART sends a byte in ten bits, and loses what finds no room', () => {
  const { clock, mcu } = chip();
  const sent = [];
  const uart = new Uart(mcu, (bytes) => sent.push([bytes[0], clock.nanos]), () => {});
  write(uart, 0x30, 0x301);
  write(uart, 0x24, 15);
  write(uart, 0x28, 40); // 500 000 baud
  write(uart, 0x00, 0x55);
  write(uart, 0x00, 0xaa);
  clock.tick(50_000);
  assert.deepStrictEqual(sent, [[0x55, 20_000], [0xaa, 40_000]]);
  uart.send(new Uint8Array(40), 0);
  clock.tick(1e6);
  assert.strictEqual(uart.lost, 8);
});

// W25Q16: "programming can only change bits from 1 to 0"; a power cut leaves some of them.
test('the flash clears bits, erases by the sector, and a power cut leaves the work half done', () => {
  const memory = new Uint8Array(0x2000).fill(0xff);
  const flash = new FlashChip(memory);
  const run = (bytes, now) => {
    flash.select();
    bytes.forEach((byte) => flash.exchange(byte, now));
    flash.deselect(now);
  };
  run([0x02, 0, 0, 0, 0x00], 0); // not enabled
  assert.strictEqual(memory[0], 0xff);
  run([0x06], 0);
  run([0x02, 0, 0, 0, 0x0f], 0);
  run([0x06], 1e6);
  run([0x02, 0, 0, 0, 0xf3], 1e6);
  assert.strictEqual(memory[0], 0x03);
  run([0x06], 2e6);
  run([0x20, 0, 0, 0], 2e6);
  flash.powerLost(2e6 + 1, () => 0.5);
  assert.strictEqual(memory[0], 0x03);
});

test("the firmware's EEPROM is read as it was written", () => {
  const memory = new Uint8Array(0x200000).fill(0xff);
  const bytes = Buffer.alloc(256, 0xff);
  bytes.write('limits', 16);
  writeEeprom(memory, bytes);
  assert.deepStrictEqual(readEeprom(memory).subarray(0, 256), bytes);
});

// ---- The processor: a program of a few instructions in the place of boot2 ----

function boardWith(code, damage = false) {
  const image = new Uint8Array(256);
  new Uint16Array(image.buffer).set(code);
  new DataView(image.buffer).setUint32(252, bootCrc(image.subarray(0, 252)) ^ (damage ? 1 : 0), true);
  return new Board({
    image,
    servoPins: [2, 3, 4, 5, 6],
    line: 'uart',
    world: new World(null, 0, () => {}),
    stats: new Stats(),
    onEvent: () => {},
  });
}

const CPSID = 0xb672;
const WFI = 0xbf30;
const HERE = 0xe7fe; // b .

// 2.8.1.3.1: "if the CRC32 is correct … the second stage is executed"; otherwise the USB boot loader starts.
test('the boot ROM runs a second stage with its CRC, and shows its drive without', () => {
  assert.strictEqual(boardWith([HERE]).inLoader, false);
  assert.strictEqual(boardWith([HERE], true).inLoader, true);
});

// ARMv6-M B1.5.17: WFI ends for "an asynchronous exception at a priority that, if PRIMASK was set to 0, would preempt";
// B1.4.3: with PRIMASK set the exception itself waits.
test('WFI ends with an interrupt that PRIMASK locks out, and the interrupt is not taken', () => {
  const board = boardWith([CPSID, WFI, HERE]);
  board.runUntil(1_000);
  const { core } = board.mcu;
  assert.ok(core.waiting);
  core.enabledInterrupts = 1;
  core.setInterrupt(0, true);
  board.runUntil(2_000);
  assert.ok(!core.waiting);
  assert.strictEqual(core.IPSR, 0);
});

test('WFI does not sleep while an interrupt waits', () => {
  const board = boardWith([CPSID, WFI, HERE]);
  const { core } = board.mcu;
  core.enabledInterrupts = 1;
  core.setInterrupt(0, true);
  board.runUntil(1_000);
  assert.ok(!core.waiting);
});

// Cortex-M0+ technical reference, 3.4.1: 15 cycles of interrupt latency with zero wait states.
test('an interrupt takes 15 cycles to its handler', () => {
  const board = boardWith([HERE]);
  const { core } = board.mcu;
  core.enabledInterrupts = 1;
  core.VTOR = 0x20000000;
  board.mcu.writeUint32(0x20000000 + 4 * 16, 0x20000401);
  board.mcu.writeUint32(0x20000400, (HERE << 16) | HERE);
  board.runUntil(800);
  core.setInterrupt(0, true);
  const before = board.awakeNanos;
  board.runUntil(board.clock.nanos + 1);
  assert.ok(board.awakeNanos - before >= 15 * 8);
  assert.strictEqual(core.IPSR, 16);
});

// 2.12.7, 4.7: a watchdog's reset leaves RAM and the scratch registers alone.
test("a watchdog's reset keeps flash, RAM and scratch registers, and tells its cause", () => {
  const board = boardWith([HERE]);
  board.mcu.sram[5] = 42;
  board.flash[0x1000] = 7;
  write(board.watchdog, 0x0c, 0xabcd);
  board.reset('watchdog');
  assert.strictEqual(board.mcu.sram[5], 42);
  assert.strictEqual(board.flash[0x1000], 7);
  assert.strictEqual(board.watchdog.readUint32(0x0c), 0xabcd);
  assert.strictEqual(board.watchdog.readUint32(0x08), 1);
});
