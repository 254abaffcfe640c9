// The numbers, under the names that hand-sim gives them; times in sixteenths of a microsecond.
'use strict';

const PAUSE_NANOS = 20e6; // a longer gap is a pause of the sampling, not jitter
const SERVO_PAUSE_NANOS = 100e6;
const NAMES = { 0: 'TIMER0', 4: 'PWM', 5: 'USB', 13: 'GPIO', 20: 'UART0', 22: 'ADC' };
const stamp = (nanos) => (nanos * 16) / 1000;

const span = () => ({ min: Infinity, max: 0 });
const widen = (s, value) => {
  s.min = Math.min(s.min, value);
  s.max = Math.max(s.max, value);
};
const least = (s) => (s.min === Infinity ? 0 : s.min);

class Stats {
  constructor() {
    this.clear(0, 0);
    this.lineBytes = { rx: 0, tx: 0 };
  }
  clear(nanos, awakeNanos) {
    this.since = { nanos, awakeNanos };
    this.sampling = {};
    this.servos = Array.from({ length: 5 }, () => ({ pulses: 0, last: 0, width: span(), period: span(), rose: undefined }));
    this.interrupts = {};
  }
  sample(input, nanos) {
    const s = (this.sampling[input] ??= { count: 0, pauses: 0, period: span(), last: 0 });
    const period = nanos - s.last;
    if (s.count > 0) {
      period > PAUSE_NANOS ? s.pauses++ : widen(s.period, period);
    }
    s.count++;
    s.last = nanos;
  }
  servo(servo, level, nanos) {
    const s = this.servos[servo];
    if (level) {
      if (s.rose !== undefined && s.pulses > 0 && nanos - s.rose < SERVO_PAUSE_NANOS) {
        widen(s.period, nanos - s.rose);
      }
      s.rose = nanos;
    } else if (s.rose !== undefined) {
      s.pulses++;
      s.last = nanos - s.rose;
      widen(s.width, s.last);
    }
  }
  interrupt(irq, nanos) {
    const s = (this.interrupts[irq] ??= { count: 0, worst: 0 });
    s.count++;
    s.worst = Math.max(s.worst, nanos);
  }
  report(board, name, pace) {
    const { clock, adc, adcTotals } = board;
    const passed = clock.nanos - this.since.nanos;
    const share = passed > 0 ? (board.awakeNanos - this.since.awakeNanos) / passed : 0;
    return {
      board: name,
      cycles: Math.round(stamp(clock.nanos)),
      seconds: clock.nanos / 1e9,
      cpu_share: share,
      sampling: Object.entries(this.sampling).map(([input, s]) => ({
        input: Number(input),
        count: s.count,
        pauses: s.pauses,
        period_min_cycles: stamp(least(s.period)),
        period_max_cycles: stamp(s.period.max),
        jitter_us: s.count > 1 ? Math.round(s.period.max - least(s.period)) / 1000 : 0,
      })),
      servos: this.servos.map((s, i) => ({
        pin: `GP${board.servoPins[i]}`,
        pulses: s.pulses,
        width_min_cycles: stamp(least(s.width)),
        width_max_cycles: stamp(s.width.max),
        width_last_cycles: stamp(s.last),
        period_min_cycles: stamp(least(s.period)),
        period_max_cycles: stamp(s.period.max),
      })),
      interrupts: Object.fromEntries(
        Object.entries(this.interrupts).map(([irq, s]) => [NAMES[irq] ?? irq, { count: s.count, latency_max_cycles: stamp(s.worst) }]),
      ),
      reset_count: board.resets.length,
      resets: board.resets.map(({ nanos, why }) => ({ cycle: Math.round(stamp(nanos)), why })),
      uart: { rx_bytes: this.lineBytes.rx, tx_bytes: this.lineBytes.tx, rx_lost: (board.uart ?? board.host).lost, rx_wait_max_cycles: 0 },
      usb: board.host && { configured: board.host.configured, toggle_errors: board.host.toggleErrors },
      in_loader: board.inLoader,
      front_end: board.ads && { breaches: board.ads.breaches, spi_lost: board.spi.lost },
      adc: {
        conversions: adcTotals.conversions + adc.conversions,
        ignored_triggers: 0,
        lost_results: adcTotals.lost + adc.lost,
        emg_rows: board.world.rows,
      },
      pace,
    };
  }
}

module.exports = { Stats, stamp };
