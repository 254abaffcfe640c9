// One board: the flash image on rp2040js's processor with our own blocks, an analogue world, servo pins, a host at its line.
// Times are nanoseconds of `clock`; what leaves here is in sixteenths of a microsecond, the unit of all boards' events.
'use strict';

const { RP2040, ConsoleLogger, LogLevel } = require('rp2040js');
const { Adc } = require('./adc.js');
const { Ads } = require('./ads.js');
const { Electrodes } = require('./ads_input.js');
const { CPU_HZ, Fixed, Timer, Watchdog } = require('./blocks.js');
const { Clock } = require('./clock.js');
const { FlashChip, SelectPin, Ssi } = require('./flash.js');
const { Pwm } = require('./pwm.js');
const { Spi } = require('./spi.js');
const { Uart } = require('./uart.js');
const { Controller } = require('./usb.js');
const { Host } = require('./usb_host.js');

const NANOS_PER_CYCLE = 1e9 / CPU_HZ;
const ENTRY_CYCLES = 15; // Cortex-M0+, zero wait states: from the request to the handler's first instruction,
const EXIT_CYCLES = 13; // and from its last one back
const BOOT2_AT = 0x41f00; // in RAM, where the boot ROM runs it
const ROM_LOOKUP = 0x200;
const ROM_LOADER = 0x300;
const FLASH_BYTES = 0x200000;
const HAD_POWER_ON = 1 << 8;
const HAD_RUN_PIN = 1 << 16;
const FROZEN_CYCLES = 50;
const KIND = { tx: 1, rx: 2, rxLost: 3, servo: 4, sample: 5, reset: 6 };

// CRC-32 of the second stage, as the boot ROM computes it [2.8.1.3.1].
function bootCrc(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let i = 0; i < 8; i++) {
      crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
  }
  return crc >>> 0;
}

class Board {
  // image: bytes of the flash from its start; servoPins: five GPIOs; line: 'usb' or 'uart'; world: converts; onEvent
  // (kind, nanos, index, value) is told all that happens; adsPins: the front end's, if the board has one.
  constructor({ image, servoPins, line, world, onEvent, stats, adsPins = null }) {
    this.clock = new Clock();
    this.flash = new Uint8Array(FLASH_BYTES).fill(0xff);
    this.flash.set(image);
    this.chip = new FlashChip(this.flash);
    this.servoPins = servoPins;
    this.world = world;
    this.onEvent = onEvent;
    this.stats = stats;
    this.line = line;
    this.adcStalled = false;
    this.pins = {}; // driven from outside: GPIO -> level
    this.resets = [];
    this.awakeNanos = 0;
    this.adsPins = adsPins;
    this.adsIs = { kind: 'ads1299' }; // what is found at the next power-on
    this.electrodes = new Electrodes(world);
    this.adcTotals = { conversions: 0, lost: 0 };
    this.seed = 12345;
    if (line === 'usb') {
      this.host = new Host(this.clock, (bytes) => this.sent(bytes), (bytes) => this.heard(bytes));
    }
    this.start('power-on');
  }

  random() {
    this.seed = (Math.imul(this.seed, 1103515245) + 12345) >>> 0;
    return (this.seed >>> 8) / 2 ** 24;
  }

  // ---- the line ----
  sent(bytes) {
    bytes.forEach((byte) => this.onEvent(KIND.tx, this.clock.nanos, 0, byte));
  }
  heard(bytes) {
    bytes.forEach((byte) => this.onEvent(KIND.rx, this.clock.nanos, 0, byte));
  }
  send(bytes, atNanos) {
    (this.host ?? this.uart).send(bytes, atNanos);
  }

  // ---- resets ----
  start(why, kept = {}) {
    const { clock } = this;
    clock.clear(); // whatever the old chip had planned; the host plans anew
    const mcu = new RP2040(clock);
    this.mcu = mcu;
    mcu.logger = new ConsoleLogger(LogLevel.Error, false);
    mcu.flash = this.flash;
    mcu.flash16 = new Uint16Array(this.flash.buffer);
    mcu.flashView = new DataView(this.flash.buffer);
    if (kept.sram) {
      mcu.sram.set(kept.sram);
    } else {
      for (let i = 0; i < mcu.sram.length; i++) {
        mcu.sram[i] = this.random() * 256;
      }
    }
    this.freeze = 'none';
    this.inLoader = false;
    this.bitten = false;
    this.extraCycles = 0;
    this.mapBlocks(mcu, why, kept);
    if (this.adsPins) {
      this.mapFrontEnd(mcu, why);
    }
    this.patchCore(mcu.core);
    mcu.gpio.forEach((pin, i) => pin.setInputValue(this.pins[i] !== 0)); // the firmware pulls up each input that it reads
    this.servoLevels = this.servoLevels ?? [0, 0, 0, 0, 0];
    this.servoLevels.forEach((level, servo) => level && this.servo(servo, 0)); // a reset makes every pin an input
    this.resets.push({ nanos: clock.nanos, why });
    this.onEvent(KIND.reset, clock.nanos, 0, ['power-on', 'external', 'watchdog'].indexOf(why));
    this.bootRom(mcu);
  }

  mapBlocks(mcu, why, kept) {
    const { clock } = this;
    const map = mcu.peripherals;
    if (this.adc) {
      this.adcTotals.conversions += this.adc.conversions;
      this.adcTotals.lost += this.adc.lost;
    }
    this.adc = map[0x4004c] = new Adc(mcu, (input, many) => this.world.convert(input, many, clock.nanos), () => this.adcStalled);
    map[0x40050] = new Pwm(mcu, (pin, level) => {
      const servo = this.servoPins.indexOf(pin);
      if (servo >= 0) {
        this.servo(servo, level);
      }
    });
    this.timer = map[0x40054] = new Timer(mcu, 0);
    this.watchdog = map[0x40058] = new Watchdog(mcu, why === 'watchdog' ? 1 : 0, kept.scratch, () => (this.bitten = true));
    map[0x40060] = new Fixed(mcu, 'ROSC', (offset) => (offset === 0x1c ? (this.random() < 0.5 ? 0 : 1) : undefined));
    const cause = why === 'power-on' ? HAD_POWER_ON : why === 'external' ? HAD_RUN_PIN : this.lastChipReset;
    this.lastChipReset = cause;
    map[0x40064] = new Fixed(mcu, 'CHIP_RESET', (offset) => (offset === 0x08 ? cause : undefined));
    map[0x18000] = new Ssi(mcu, this.chip);
    map[0x40018] = new SelectPin(mcu, this.chip);
    if (this.host) {
      this.controller = new Controller(mcu, this.host);
      mcu.usbCtrl = this.controller;
      map[0x50110] = this.controller;
      this.host.busy = false;
      this.host.attach(this.controller);
    } else {
      const waiting = this.uart?.coming ?? [];
      this.uart = map[0x40034] = new Uart(mcu, (bytes) => this.sent(bytes), (bytes) => this.heard(bytes));
      this.uart.coming = waiting;
    }
  }

  mapFrontEnd(mcu, why) {
    const { clock, adsPins } = this;
    if (why === 'power-on') {
      this.ads = new Ads(clock, {
        ...this.adsIs,
        input: this.electrodes,
        onDrdy: (level) => this.drivePin(adsPins.drdy, level),
        onValues: (nanos, codes) => codes.forEach((code, input) => code !== null && this.world.onSample(input, nanos, code)),
      });
    }
    this.ads.released();
    this.drivePin(adsPins.drdy, this.ads.absent ? 1 : this.ads.drdy);
    this.spi = mcu.peripherals[0x4003c] = new Spi(mcu, this.ads);
    for (const name of ['cs', 'reset', 'start']) {
      mcu.gpio[adsPins[name]].addListener((state) => this.ads.pin(name, state === 1 ? 1 : 0));
    }
  }

  // rp2040js takes an interrupt that PRIMASK locks out when WFI waits, sleeps on with one that waits already, and takes no
  // time for entry and exit (ARMv6-M, B1.5; Cortex-M0+ technical reference, 3.4).
  patchCore(core) {
    const entry = core.exceptionEntry.bind(core);
    const exit = core.exceptionReturn.bind(core);
    const requested = (this.requested = new Array(32).fill(-1));
    core.setInterrupt = (irq, value) => {
      const bit = 1 << irq;
      if (!value) {
        core.pendingInterrupts &= ~bit;
        return;
      }
      if (!(core.pendingInterrupts & bit)) {
        core.pendingInterrupts |= bit;
        core.interruptsUpdated = true;
        requested[irq] = this.clock.nanos;
      }
      if (core.enabledInterrupts & bit) {
        core.waiting = false;
      }
    };
    core.exceptionEntry = (number) => {
      this.extraCycles += ENTRY_CYCLES;
      entry(number);
      if (number >= 16) {
        this.stats.interrupt(number - 16, this.clock.nanos + ENTRY_CYCLES * NANOS_PER_CYCLE - requested[number - 16]);
      }
    };
    core.exceptionReturn = (value) => {
      this.extraCycles += EXIT_CYCLES;
      exit(value);
    };
  }

  // What the boot ROM does: it checks and runs boot2, or waits for a program on its drive; and its table of functions, of
  // which one counts here: the way into its loader.
  bootRom(mcu) {
    mcu.bootrom[0x14 >> 2] = 0x0100;
    mcu.bootrom[0x18 >> 2] = ROM_LOOKUP | 1;
    mcu.bootrom[ROM_LOOKUP >> 2] = 0x47704800; // ldr r0, [pc]; bx lr
    mcu.bootrom[(ROM_LOOKUP >> 2) + 1] = ROM_LOADER | 1;
    mcu.bootrom[ROM_LOADER >> 2] = 0xe7febe00; // bkpt; b .
    mcu.onBreak = () => this.enterLoader();
    const view = new DataView(this.flash.buffer);
    if (bootCrc(this.flash.subarray(0, 252)) !== view.getUint32(252, true)) {
      this.enterLoader();
      return;
    }
    mcu.sram.set(this.flash.subarray(0, 256), BOOT2_AT);
    mcu.core.SP = 0x20000000 + BOOT2_AT;
    mcu.core.PC = 0x20000000 + BOOT2_AT;
  }

  enterLoader() {
    this.inLoader = true;
    this.clock.clear();
    this.servoLevels?.forEach((level, servo) => level && this.servo(servo, 0));
    this.host?.unplug();
  }

  reset(why) {
    this.start(why, { sram: this.mcu.sram, scratch: why === 'watchdog' ? this.watchdog.scratch : {} });
  }
  powerCycle() {
    this.chip.powerLost(this.clock.nanos, () => this.random());
    this.start('power-on');
  }

  // ---- pins ----
  servo(servo, level) {
    this.servoLevels[servo] = level;
    this.stats.servo(servo, level, this.clock.nanos);
    this.onEvent(KIND.servo, this.clock.nanos, servo, level);
  }
  drivePin(pin, level) {
    this.pins[pin] = level;
    this.mcu.gpio[pin].setInputValue(level !== 0);
  }
  level(pin) {
    const { sio } = this.mcu;
    return (sio.gpioOutputEnable >>> pin) & (sio.gpioValue >>> pin) & 1;
  }

  // ---- time ----
  runUntil(nanos) {
    const { clock } = this;
    while (clock.nanos < nanos) {
      if (this.bitten) {
        this.reset('watchdog');
      }
      const { core } = this.mcu;
      if (this.inLoader) {
        clock.tick(nanos - clock.nanos);
        return;
      }
      if (core.waiting && core.pendingInterrupts & core.enabledInterrupts) {
        core.waiting = false;
        core.interruptsUpdated = true;
      }
      const frozen = this.freeze === 'all' || (this.freeze === 'loop' && core.IPSR === 0 && !core.PM); // interrupts go on
      if (frozen || core.waiting) {
        this.pass(nanos, frozen);
        continue;
      }
      const cycles = core.executeInstruction() + this.extraCycles;
      this.extraCycles = 0;
      this.awakeNanos += cycles * NANOS_PER_CYCLE;
      clock.tick(cycles * NANOS_PER_CYCLE);
    }
  }

  // Time in which no instruction runs: asleep, or hanging.
  pass(until, frozen) {
    const { clock } = this;
    const { core } = this.mcu;
    const next = clock.nextAlarm ? clock.nextAlarm.nanos - clock.nanos : Infinity;
    const most = Math.min(next, until - clock.nanos);
    const took = frozen ? Math.min(FROZEN_CYCLES * NANOS_PER_CYCLE, until - clock.nanos) : most;
    clock.tick(Math.max(took, 1));
    if (frozen) {
      this.awakeNanos += took;
      if (this.freeze === 'loop' && core.interruptsUpdated) {
        core.checkForInterrupts();
      }
    }
  }
}

module.exports = { Board, KIND, NANOS_PER_CYCLE, bootCrc };
