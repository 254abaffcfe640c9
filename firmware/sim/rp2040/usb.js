// The USB controller as a device's side sees it [4.1]; its host is usb_host.js.
'use strict';

const { Block, IRQ } = require('./blocks.js');

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
    this.lateNanos = 0; // the processor takes the interrupt so much later, as if it had locked interrupts out
    this.raised = false;
    this.rise = this.clock.createAlarm(() => this.raise(this.wanted));
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
  get wanted() {
    return (this.interrupts & this.get(0x90)) !== 0;
  }
  raise(on) {
    this.raised = on;
    this.mcu.setInterrupt(IRQ.usb, on);
  }
  update() {
    if (this.wanted && !this.raised && this.lateNanos > 0) {
      this.rise.scheduled || this.rise.schedule(this.lateNanos);
    } else {
      this.raise(this.wanted);
    }
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

module.exports = { Controller, LINE };
