// A USB host that does what Linux does with the device of usb.js: it resets and enumerates, reads and writes the data
// endpoints, suspends, clears a halt, opens and closes the port, and is unplugged. Toggles are checked on both sides: a packet
// with the wrong one is lost, as on the wire.
'use strict';

const { LINE } = require('./usb.js');

const NAK_NANOS = 5e3; // from a buffer that is given to the transaction that takes it
const BYTE_NANOS = 1e9 / 1.5e6; // 12 Mbit/s
const OVERHEAD_BYTES = 13; // tokens, handshake, gaps
const DEBOUNCE_NANOS = 100e6;
const RESET_NANOS = 10e6;

const word = (value) => [value & 255, (value >> 8) & 255];
const request = (type, code, value, index, length) => Uint8Array.from([type, code, ...word(value), ...word(index), ...word(length)]);

class Host {
  constructor(clock, onSent, onHeard) {
    this.clock = clock;
    this.onSent = onSent; // bytes that the board has sent
    this.onHeard = onHeard; // bytes that the board has taken
    this.coming = []; // { at, byte }
    this.plugged = true;
    this.terminal = true; // a program has the port open
    this.lineBaud = 500000;
    this.lost = 0;
    this.detach();
    this.attempt = clock.createAlarm(() => this.exchange());
    this.step = clock.createAlarm(() => this.next?.());
  }
  attach(controller) {
    this.device = controller;
    this.detach();
    this.attempt.cancel();
    this.step.cancel();
  }
  detach() {
    this.configured = this.suspended = this.pulledUp = false;
    this.transfers = [];
    this.current = null;
    this.inData1 = this.outData1 = false;
    this.toggleErrors = 0;
    this.descriptors = {};
  }
  after(nanos, what) {
    this.next = what;
    this.step.schedule(nanos);
  }
  pullUp(on) {
    if (on && !this.pulledUp && this.plugged) {
      this.pulledUp = true;
      this.after(DEBOUNCE_NANOS, () => this.reset());
    }
    this.pulledUp = on;
  }
  reset() {
    this.device.busReset();
    this.after(RESET_NANOS, () => this.enumerate());
  }
  // ---- what Linux asks, in its order ----
  enumerate() {
    const ask = (name, setup, data) => this.transfers.push({ name, setup, data });
    ask('device, first bytes', request(0x80, 6, 0x100, 0, 64));
    ask('address', request(0, 5, 7, 0, 0));
    ask('device', request(0x80, 6, 0x100, 0, 18));
    ask('qualifier', request(0x80, 6, 0x600, 0, 10)); // a full-speed device has none, and stalls
    ask('configuration, head', request(0x80, 6, 0x200, 0, 9));
    ask('configuration', request(0x80, 6, 0x200, 0, 67));
    ask('languages', request(0x80, 6, 0x300, 0, 255));
    ask('product', request(0x80, 6, 0x302, 0x409, 255));
    ask('maker', request(0x80, 6, 0x301, 0x409, 255));
    ask('serial', request(0x80, 6, 0x303, 0x409, 255));
    ask('set configuration', request(0, 9, 1, 0, 0));
    ask('line state', request(0x21, 0x22, 0, 0, 0));
    this.openTerminal(this.terminal);
  }
  openTerminal(open) {
    this.terminal = open;
    if (open) {
      const rate = [0, 8, 16, 24].map((shift) => (this.lineBaud >>> shift) & 255);
      this.transfers.push({ name: 'line state', setup: request(0x21, 0x22, 3, 0, 0) });
      this.transfers.push({ name: 'line coding', setup: request(0x21, 0x20, 0, 0, 7), data: Uint8Array.from([...rate, 0, 0, 8]) });
    } else {
      this.transfers.push({ name: 'line state', setup: request(0x21, 0x22, 0, 0, 0) });
    }
    this.kick();
  }
  touch() {
    this.lineBaud = 1200;
    this.openTerminal(true);
    this.openTerminal(false);
    this.lineBaud = 500000;
  }
  clearHalt() {
    for (const endpoint of [0x80 | LINE, LINE]) {
      this.transfers.push({ name: `clear ${endpoint}`, setup: request(2, 1, 0, endpoint, 0) });
    }
    this.kick();
  }
  unplug() {
    this.plugged = false;
    this.detach();
    this.attempt.cancel();
    this.step.cancel();
  }
  plug() {
    this.plugged = true;
    this.pullUp((this.device.get(0x4c) & (1 << 16)) !== 0);
  }
  suspend(suspended) {
    this.suspended = suspended;
    this.kick();
  }
  // ---- transactions, one at a time on the wire ----
  given() {
    this.kick();
  }
  send(bytes, atNanos) {
    for (const byte of bytes) {
      this.coming.push({ at: atNanos, byte });
    }
    this.kick();
  }
  kick(nanos = NAK_NANOS) {
    const sooner = !this.attempt.scheduled || this.attempt.nanos > this.clock.nanos + nanos;
    if (this.plugged && !this.suspended && this.pulledUp && sooner) {
      this.attempt.schedule(nanos);
    }
  }
  later(bytes, what) {
    this.busy = true;
    const alarm = this.clock.createAlarm(() => {
      this.busy = false;
      what();
      this.kick(0);
    });
    alarm.schedule((OVERHEAD_BYTES + bytes) * BYTE_NANOS);
  }
  exchange() {
    if (this.busy || !this.plugged || this.suspended) {
      return;
    }
    this.controlStage() || this.readLine() || this.writeLine();
  }
  controlStage() {
    if (!this.current) {
      if (!this.transfers.length || this.step.scheduled) {
        return false;
      }
      this.current = { ...this.transfers.shift(), got: [], stage: 'setup', data1: true };
    }
    const now = this.current;
    const device = this.device;
    const toHost = (now.setup[0] & 0x80) !== 0;
    const length = now.setup[6] | (now.setup[7] << 8);
    if (now.stage === 'setup') {
      now.stage = toHost ? 'in' : now.data ? 'out' : 'status in';
      this.later(8, () => device.setup(now.setup));
      return true;
    }
    if (now.stage === 'in' || now.stage === 'status in') {
      const packet = device.take(0);
      if (!packet) {
        return false;
      }
      if (packet.stall) {
        this.endControl('stall');
        return true;
      }
      this.toggleErrors += packet.data1 === now.data1 ? 0 : 1;
      this.later(packet.bytes.length, () => {
        now.got.push(...packet.bytes);
        now.data1 = !now.data1;
        device.finish(0, false);
        if (now.stage === 'status in') {
          this.endControl();
        } else if (packet.bytes.length < 64 || now.got.length >= length) {
          now.stage = 'status out';
        }
      });
      return true;
    }
    if (device.room(0) === 0) {
      return false;
    }
    const data = now.stage === 'out' ? now.data : new Uint8Array(0);
    this.later(data.length, () => {
      this.toggleErrors += device.put(0, data, true) ? 0 : 1;
      if (now.stage === 'out') {
        now.stage = 'status in';
        now.data1 = true;
      } else {
        this.endControl();
      }
    });
    return true;
  }
  endControl(how) {
    const { name, got } = this.current;
    this.descriptors[name] = how ?? Buffer.from(got);
    this.current = null;
    if (name === 'set configuration') {
      this.configured = true;
      this.inData1 = this.outData1 = false;
    } else if (name === `clear ${0x80 | LINE}`) {
      this.inData1 = false;
    } else if (name === `clear ${LINE}`) {
      this.outData1 = false;
    } else if (name === 'address') {
      this.after(2e6, () => this.kick(0));
    }
    this.kick();
  }
  // usb_clear_halt: "the caller must guarantee that no URBs are pending" on the endpoint.
  get clearing() {
    return [this.current, ...this.transfers].some((transfer) => transfer?.name.startsWith('clear'));
  }
  readLine() {
    const packet = this.configured && this.terminal && !this.clearing ? this.device.take(LINE) : null;
    if (!packet) {
      return false;
    }
    this.later(packet.bytes.length, () => {
      if (packet.data1 === this.inData1) {
        this.inData1 = !this.inData1;
        this.onSent(packet.bytes);
      } else {
        this.toggleErrors++; // taken for one that came twice
      }
      this.device.finish(LINE, false);
    });
    return true;
  }
  writeLine() {
    if (!this.configured || this.clearing || !this.coming.length) {
      return false;
    }
    const wait = this.coming[0].at - this.clock.nanos;
    if (wait > 0) {
      this.kick(wait);
      return true;
    }
    const room = this.device.room(LINE);
    if (room <= 0) {
      return false;
    }
    let count = 0;
    while (count < Math.min(room, this.coming.length) && this.coming[count].at <= this.clock.nanos) {
      count++;
    }
    const bytes = Uint8Array.from(this.coming.splice(0, count), (entry) => entry.byte);
    this.later(bytes.length, () => {
      if (this.device.put(LINE, bytes, this.outData1)) {
        this.onHeard(bytes);
      } else {
        this.toggleErrors++;
        this.lost += bytes.length;
      }
      this.outData1 = !this.outData1;
    });
    return true;
  }
}

module.exports = { Host };
