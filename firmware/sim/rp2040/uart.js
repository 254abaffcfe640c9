// The UART of the RP2040; blocks.js says after what.
'use strict';

const { Block, CPU_HZ, IRQ } = require('./blocks.js');

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

module.exports = { Uart };
