// The SPI of the RP2040; blocks.js says after what.
'use strict';

const { Block, CPU_HZ } = require('./blocks.js');

const DEEP = 8;

// [4.4] A PL022 as a master: frames of 8 bits, 8 deep both ways, at clk_peri / CPSDVSR / (1 + SCR). What finds
// no room in the receive FIFO is lost. `device` gives a byte at a frame's first edge and takes one at its last.
class Spi extends Block {
  constructor(mcu, device) {
    super(mcu, 'SPI0');
    this.device = device;
    this.tx = [];
    this.rx = [];
    this.lost = 0;
    this.shifting = false;
    this.done = this.clock.createAlarm(() => this.shifted());
  }
  get hz() {
    return CPU_HZ / (this.get(0x10) & 0xfe) / (1 + ((this.get(0) >> 8) & 0xff));
  }
  // The four modes, by polarity and phase.
  get mode() {
    return ((this.get(0) >> 6) & 1) * 2 + ((this.get(0) >> 7) & 1);
  }
  shift() {
    const able = (this.get(4) & 2) !== 0 && (this.get(0) & 15) === 7 && Number.isFinite(this.hz);
    if (!this.shifting && this.tx.length && able) {
      this.shifting = true;
      this.current = this.tx.shift();
      this.incoming = this.device.clocked(this.mode, this.hz);
      this.done.schedule((8 / this.hz) * 1e9);
    }
  }
  shifted() {
    this.shifting = false;
    this.device.take(this.current);
    if (this.rx.length < DEEP) {
      this.rx.push(this.incoming);
    } else {
      this.lost++;
    }
    this.shift();
  }
  readUint32(offset) {
    switch (offset) {
      case 0x08:
        return this.rx.length ? this.rx.shift() : 0;
      case 0x0c: {
        const tx = (this.tx.length ? 0 : 1) | (this.tx.length < DEEP ? 2 : 0);
        const rx = (this.rx.length ? 4 : 0) | (this.rx.length === DEEP ? 8 : 0);
        return tx | rx | (this.shifting || this.tx.length ? 16 : 0);
      }
    }
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    if (offset === 0x08) {
      if (this.tx.length < DEEP) {
        this.tx.push(value & 0xff);
      }
    } else {
      super.writeUint32(offset, value);
    }
    this.shift();
  }
}

module.exports = { Spi };
