// The USB controller as a device's side sees it [4.1], and a host at the other end that does what Linux does: it resets and
// enumerates, reads and writes the data endpoints, suspends, clears a halt, and is unplugged. Toggles are checked on both
// sides: a packet with the wrong one is lost, as on the wire.
'use strict';

const { Block, IRQ } = require('./blocks.js');

const NAK_NANOS = 5e3; // from a buffer that is given to the transaction that takes it
const BYTE_NANOS = 1e9 / 1.5e6; // 12 Mbit/s
const OVERHEAD_BYTES = 13; // tokens, handshake, gaps
const DEBOUNCE_NANOS = 100e6;
const RESET_NANOS = 10e6;
const AVAILABLE = 1 << 10;
const STALL = 1 << 11;
const DATA1 = 1 << 13;
const FULL = 1 << 15;
const LINE = 2;

class Controller extends Block {
  constructor(mcu, host) {
    super(mcu, 'USB');
    this.host = host;
    this.status = this.raw = this.done = 0;
    this.view = mcu.usbDPRAMView;
    this.memory = mcu.usbDPRAM;
  }
  readUint32(offset) {
    switch (offset) {
      case 0x50:
        return this.status >>> 0;
      case 0x58:
        return this.done >>> 0;
      case 0x8c:
        return this.interrupts >>> 0;
      case 0x98:
        return (this.interrupts & this.get(0x90)) >>> 0;
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    if (offset === 0x50) {
      this.status &= ~this.rawWriteValue;
    } else if (offset === 0x58) {
      this.done &= ~this.rawWriteValue;
    } else {
      super.writeUint32(offset, value);
      if (offset === 0x4c) {
        this.host.pullUp((value & (1 << 16)) !== 0);
      }
    }
    this.update();
  }
  get interrupts() {
    const of = (bit, to) => (this.status & (1 << bit) ? 1 << to : 0);
    return of(19, 12) | of(17, 16) | (this.done ? 1 << 4 : 0);
  }
  update() {
    this.mcu.setInterrupt(IRQ.usb, (this.interrupts & this.get(0x90)) !== 0);
  }
  // A word of the controller's memory was written: a buffer may have been given.
  DPRAMUpdated(offset, value) {
    if (offset >= 0x80 && offset < 0x100 && value & (AVAILABLE | STALL)) {
      this.host.given((offset - 0x80) >> 3, (offset & 4) !== 0);
    }
  }
  control(endpoint, out) {
    return this.view.getUint32(0x80 + 8 * endpoint + (out ? 4 : 0), true);
  }
  setControl(endpoint, out, value) {
    this.view.setUint32(0x80 + 8 * endpoint + (out ? 4 : 0), value, true);
  }
  bufferAt(endpoint, out) {
    return endpoint === 0 ? 0x100 : this.view.getUint32(8 * endpoint + (out ? 4 : 0), true) & 0xffc0;
  }
  finish(endpoint, out) {
    const each = endpoint === 0 ? this.get(0x4c) & (1 << 29) : this.view.getUint32(8 * endpoint + (out ? 4 : 0), true) & (1 << 29);
    if (each) {
      this.done |= 1 << (2 * endpoint + (out ? 1 : 0));
    }
    this.update();
  }
  // ---- transactions; null: NAK ----
  setup(bytes) {
    this.memory.set(bytes, 0);
    for (const out of [false, true]) {
      this.setControl(0, out, this.control(0, out) & ~(AVAILABLE | STALL));
    }
    this.status |= 1 << 17;
    this.update();
  }
  take(endpoint) {
    const control = this.control(endpoint, false);
    if (control & STALL) {
      return { stall: true };
    }
    if (!(control & AVAILABLE) || !(control & FULL)) {
      return null;
    }
    const count = control & 0x3ff;
    const at = this.bufferAt(endpoint, false);
    this.setControl(endpoint, false, control & ~(AVAILABLE | FULL));
    return { bytes: this.memory.slice(at, at + count), data1: (control & DATA1) !== 0 };
  }
  room(endpoint) {
    const control = this.control(endpoint, true);
    return control & STALL ? -1 : control & AVAILABLE ? control & 0x3ff : 0;
  }
  put(endpoint, bytes, data1) {
    const control = this.control(endpoint, true);
    if (((control & DATA1) !== 0) !== data1) {
      this.status |= 2 ** 31; // DATA_SEQ_ERROR: acknowledged and dropped
      return false;
    }
    this.memory.set(bytes, this.bufferAt(endpoint, true));
    this.setControl(endpoint, true, (control & ~(AVAILABLE | 0x3ff)) | FULL | bytes.length);
    this.finish(endpoint, true);
    return true;
  }
  busReset() {
    this.status |= 1 << 19;
    this.update();
  }
}

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
  readLine() {
    const packet = this.configured && this.terminal ? this.device.take(LINE) : null;
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
    if (!this.configured || !this.coming.length) {
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

module.exports = { Controller, Host };
