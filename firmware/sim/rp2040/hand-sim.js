// hand-sim for the RP2040: the command line, the commands and the traces of firmware/sim, here in node.
//
//     node hand-sim.js IMAGE --servos GPIO,... --line usb|uart --board NAME (--lockstep | --realtime --pty FD)
//         [--ads DRDY,CS,RESET,START] [options of hand-sim]
'use strict';

const fs = require('fs');
const { Board, KIND } = require('./board.js');
const { readEeprom, writeEeprom } = require('./flash.js');
const { Record } = require('./record.js');
const { Stats, stamp } = require('./stats.js');
const { World } = require('./world.js');

const QUANTUM_NANOS = 1e6;
const SLIP_NANOS = 100e6;
const WARM_UP_NANOS = 1e9; // node compiles what it runs often; meanwhile a USB host gets to know the device
const LATE_NANOS = 50e3; // an answer on USB and the host's next request come within it

function options(args) {
  const given = {};
  for (let i = 0; i < args.length; i++) {
    if (!args[i].startsWith('--')) {
      given.image = args[i];
      continue;
    }
    const name = args[i].slice(2);
    given[name] = ['lockstep', 'realtime'].includes(name) ? true : args[++i];
  }
  return given;
}

// 'DRDY,CS,RESET,START' as GPIOs.
function adsPins(text) {
  const [drdy, cs, reset, start] = text.split(',').map(Number);
  return { drdy, cs, reset, start };
}

class Session {
  constructor(given) {
    this.given = given;
    this.stats = new Stats();
    this.record = new Record(given.trace, given.lockstep);
    this.pace = { behind_max_ms: 0, slips: 0, slipped_ms: 0, bytes_host_did_not_read: 0 };
    this.out = []; // bytes for the pty
    const world = new World(given.emg, Number(given.channels ?? 0), (input, nanos, code) => {
      this.stats.sample(input, nanos);
      this.record.event(KIND.sample, nanos, input, code);
    });
    this.board = new Board({
      image: fs.readFileSync(given.image),
      servoPins: given.servos.split(',').map(Number),
      line: given.line,
      world,
      stats: this.stats,
      adsPins: given.ads ? adsPins(given.ads) : null,
      onEvent: (kind, nanos, index, value) => this.event(kind, nanos, index, value),
    });
    if (given.eeprom) {
      writeEeprom(this.board.flash, fs.readFileSync(given.eeprom));
      this.board.resets = [];
      this.board.start('power-on');
    }
    this.stats.clear(0, 0);
  }
  event(kind, nanos, index, value) {
    this.record.event(kind, nanos, index, value);
    if (kind === KIND.tx) {
      this.stats.lineBytes.tx++;
      if (!this.given.lockstep) {
        this.out.push(value);
      }
    } else if (kind === KIND.rx) {
      this.stats.lineBytes.rx++;
    }
  }

  // ---- commands: README.md of firmware/sim; null: refused ----
  command(line) {
    const [name, ...words] = line.trim().split(/\s+/);
    const { board } = this;
    const number = (word) => Number(word);
    switch (name) {
      case 'run':
        board.runUntil((number(words[0]) * 1000) / 16);
        return this.record.take();
      case 'send':
        board.send(Buffer.from(words[1] ?? '', 'hex'), (number(words[0]) * 1000) / 16);
        return '';
      case 'baud':
        return '';
      case 'reset':
        board.reset('external');
        return '';
      case 'power-cycle':
        board.powerCycle();
        return '';
      case 'freeze':
        board.freeze = words[0];
        return '';
      case 'adc':
        board.adcStalled = words[0] === 'stall';
        if (board.ads) {
          board.ads.stalled = board.adcStalled;
          return '';
        }
        if (!board.adcStalled && board.adc.busy && !board.adc.done.scheduled) {
          board.adc.begin((board.adc.cs & 8) !== 0);
        } else if (board.adcStalled) {
          board.adc.next.cancel();
          board.adc.done.cancel();
          board.adc.busy = true;
        }
        return '';
      case 'front-end':
        return this.frontEnd(words);
      case 'lead':
        board.electrodes.lead(number(words[0]), words[1], words[2] === 'off', board.clock.nanos);
        return '';
      case 'offset':
        board.electrodes.volts[number(words[0])] = number(words[1]) / 1000;
        return '';
      case 'analog':
        board.world.constant[number(words[0])] = number(words[1]);
        return '';
      case 'pin':
        board.drivePin(number(words[0]), number(words[1]));
        return '';
      case 'level':
        return String(board.level(number(words[0])));
      case 'micros':
        board.timer.offsetNanos += (number(words[0]) - board.timer.micros) * 1000;
        board.timer.writeUint32(0x10, (board.timer.micros + 1000) % 2 ** 32);
        return '';
      case 'eeprom':
        if (words.length) {
          board.chip.stall(words[0] === 'stall');
          return '';
        }
        return readEeprom(board.flash);
      case 'burn': {
        const image = readEeprom(board.flash);
        Buffer.from(words[1], 'hex').copy(image, number(words[0]));
        writeEeprom(board.flash, image);
        return '';
      }
      case 'usb':
        return this.usb(words[0]);
      case 'touch': // a host opens the port at 1200 baud, and closes it
        board.host?.touch();
        return '';
      case 'peek':
        return Buffer.from(board.mcu.sram.subarray(number(words[0]) - 0x20000000).subarray(0, number(words[1])));
      case 'poke':
        board.mcu.sram.set(Buffer.from(words[1], 'hex'), number(words[0]) - 0x20000000);
        return '';
      case 'stats':
        return JSON.stringify(this.stats.report(board, this.given.board, this.pace)) + '\n';
      case 'clear-stats':
        this.stats.clear(board.clock.nanos, board.awakeNanos);
        return '';
    }
    return null;
  }
  // What the next power-on finds: a kind, and perhaps another ID, or stuck; or none. Or now: the chip resets itself.
  frontEnd([what, how]) {
    const { board } = this;
    if (what === 'reset') {
      board.ads.toDefaults();
    } else if (what === 'none') {
      board.adsIs = { kind: 'ads1299', absent: true };
    } else {
      board.adsIs = { kind: what, stuck: how === 'stuck', id: how?.startsWith('0x') ? Number(how) : undefined };
    }
    return '';
  }
  usb(what) {
    const { host } = this.board;
    const does = {
      unplug: () => host.unplug(),
      plug: () => host.plug(),
      suspend: () => host.suspend(true),
      resume: () => host.suspend(false),
      'clear-halt': () => host.clearHalt(),
      open: () => host.openTerminal(true),
      close: () => host.openTerminal(false),
      late: () => (this.board.controller.lateNanos = LATE_NANOS),
    }[what];
    if (!host || !does) {
      return null;
    }
    does();
    return '';
  }
  answer(line) {
    const said = this.command(line);
    if (said === null) {
      fs.writeSync(1, 'error no such command\n');
      return;
    }
    const bytes = Buffer.from(said);
    const head = Buffer.from(`ok ${Math.round(stamp(this.board.clock.nanos))} ${bytes.length}\n`);
    writeAll(1, Buffer.concat([head, bytes]));
  }
  finish() {
    this.record.flush();
    if (this.given.json) {
      const text = JSON.stringify(this.stats.report(this.board, this.given.board, this.pace)) + '\n';
      fs.writeFileSync(this.given.json === '-' ? 1 : this.given.json, text);
    }
  }
}

function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
    }
  }
}

function lockstep(session) {
  const chunk = Buffer.alloc(1 << 20);
  let text = '';
  for (;;) {
    const count = fs.readSync(0, chunk, 0, chunk.length, null);
    if (count === 0) {
      return;
    }
    text += chunk.toString('latin1', 0, count);
    let end;
    while ((end = text.indexOf('\n')) >= 0) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (line === 'quit') {
        return;
      }
      session.answer(line);
    }
  }
}

// At the pace of the wall clock, with the line on a pseudo-terminal that hand-sim (the script beside this file) has opened.
function realtime(session) {
  const { board, pace, given } = session;
  const fd = Number(given.pty);
  const end = given.seconds ? Number(given.seconds) * 1e9 : Infinity;
  const input = Buffer.alloc(4096);
  const now = () => Number(process.hrtime.bigint());
  board.runUntil(WARM_UP_NANOS);
  let epoch = now() - board.clock.nanos;
  let stopped = false;
  const stop = () => (stopped = true);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  let commands = '';
  process.stdin.on('data', (data) => {
    commands += data;
    let at;
    while ((at = commands.indexOf('\n')) >= 0) {
      const line = commands.slice(0, at);
      commands = commands.slice(at + 1);
      if (line.startsWith('@')) {
        session.command(line.slice(1)); // hand_sim.py's own, which nobody waits for
      } else {
        line === 'quit' ? stop() : session.answer(line);
      }
    }
  });
  const exchange = () => {
    try {
      const count = fs.readSync(fd, input, 0, input.length, null);
      if (count > 0) {
        board.send(Buffer.from(input.subarray(0, count)), 0);
      }
    } catch (error) {
      if (!['EAGAIN', 'EIO'].includes(error.code)) {
        throw error;
      }
    }
    if (session.out.length) {
      const bytes = Buffer.from(session.out);
      session.out = [];
      let taken = 0;
      try {
        taken = fs.writeSync(fd, bytes);
      } catch (error) {
        if (!['EAGAIN', 'EIO'].includes(error.code)) {
          throw error;
        }
      }
      pace.bytes_host_did_not_read += bytes.length - taken;
    }
  };
  const turn = () => {
    board.runUntil(board.clock.nanos + QUANTUM_NANOS);
    exchange();
    if (stopped || board.clock.nanos >= end) {
      session.finish();
      process.exit(0);
    }
    const behind = now() - epoch - board.clock.nanos;
    pace.behind_max_ms = Math.max(pace.behind_max_ms, behind / 1e6);
    if (behind > SLIP_NANOS) {
      pace.slips++;
      pace.slipped_ms += behind / 1e6;
      epoch += behind;
    }
    behind < -0.5e6 ? setTimeout(turn, 1) : setImmediate(turn);
  };
  turn();
}

const given = options(process.argv.slice(2));
const session = new Session(given);
if (given.lockstep) {
  lockstep(session);
  session.finish();
} else {
  realtime(session);
}
