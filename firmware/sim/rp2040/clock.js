// rp2040js's clock, whose alarms go on saying that they are scheduled when they have fired.
'use strict';

const { SimulationClock } = require('./node_modules/rp2040js/dist/cjs/clock/simulation-clock.js');

class Clock extends SimulationClock {
  tick(nanos) {
    const until = this.nanosCounter + nanos;
    for (let alarm = this.nextAlarm; alarm && alarm.nanos <= until; alarm = this.nextAlarm) {
      this.nextAlarm = alarm.next;
      this.nanosCounter = alarm.nanos;
      alarm.scheduled = false;
      alarm.callback();
    }
    this.nanosCounter = until;
  }
  clear() {
    for (let alarm = this.nextAlarm; alarm; alarm = alarm.next) {
      alarm.scheduled = false;
    }
    this.nextAlarm = null;
  }
}

module.exports = { Clock };
