// What the front end's converters see and what they make of it: electrodes, their direct voltages, gain, reference.
'use strict';

const COUNT_STEPS = 8; // of the chip's at the usual gain: a count of the EMG's file
const REFERENCE_NANOS = 150e6; // [7.5]
// A lead of 200 pF that nothing holds: 6 nA move it by 30 mV a millisecond.
const LEAD_VOLTS_PER_NANO = 30e-9;
const TO_THE_COMPARATOR_VOLTS = 2.25; // from half of 5 V to 95 %
const CODE_MAX = 2 ** 23 - 1;

class Electrodes {
  constructor(world) {
    this.world = world; // take(): the next row of counts
    this.volts = new Array(8).fill(0);
    this.offSince = { p: new Array(8).fill(undefined), n: new Array(8).fill(undefined) };
  }
  // side: 'p' or 'n', the electrode at INxP or INxN.
  lead(channel, side, off, nanos) {
    this.offSince[side][channel] = off ? nanos : undefined;
  }
}

function clipped(code) {
  return Math.max(-CODE_MAX - 1, Math.min(CODE_MAX, Math.round(code)));
}

// How far the current has pulled the lead of an electrode that is off and looked after, in volts; INxP goes up, INxN down.
function pulled(ads, side, channel) {
  const { registers, kind, input, clock } = ads;
  const watching = (registers[0x17] & 2) !== 0 && kind.directCurrent(registers[4]);
  const since = input.offSince[side][channel];
  const looked = watching && registers[side === 'p' ? 0x0f : 0x10] & (1 << channel) && since !== undefined;
  return looked ? (clock.nanos - since) * LEAD_VOLTS_PER_NANO : 0;
}

// One conversion of all channels: codes, null of a channel that is powered down, and the status word [9.4.4.2].
function convert(ads) {
  const { registers, kind, input, clock } = ads;
  const row = input.world.take();
  const vref = kind.vref(registers[3]);
  const settled = ads.referenceOn !== undefined && clock.nanos - ads.referenceOn >= REFERENCE_NANOS;
  registers[0x12] = registers[0x13] = 0;
  const codes = input.volts.map((offset, i) => {
    const set = registers[5 + i];
    if (set & 0x80 || (set & 7) !== 0) {
      return set & 0x80 ? null : 0; // powered down, or shorted
    }
    if (!settled) {
      return CODE_MAX;
    }
    const [up, down] = [pulled(ads, 'p', i), pulled(ads, 'n', i)];
    registers[0x12] |= up >= TO_THE_COMPARATOR_VOLTS ? 1 << i : 0;
    registers[0x13] |= down >= TO_THE_COMPARATOR_VOLTS ? 1 << i : 0;
    const step = vref / kind.usualGain / 2 ** 23;
    const volts = (row[i] ?? 0) * COUNT_STEPS * step + offset + up + down;
    return clipped(((volts * kind.gain[(set >> 4) & 7]) / vref) * 2 ** 23);
  });
  return { codes, status: 0xc00000 | (registers[0x12] << 12) | (registers[0x13] << 4) | (registers[0x14] >> 4) };
}

module.exports = { Electrodes, convert };
