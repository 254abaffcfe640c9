"""The simulated firmware: takes and gives bytes, and samples by the sample clock, as firmware/PROTOCOL.md specifies.

Pure: time is an argument; `outgoing` gives the bytes that the line would have carried by then.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from math import floor
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from myobridge.metrics import Distribution
from myobridge.simulator.button import PushButton
from myobridge.simulator.configure import TICK_HZ, check_config
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.limits import WIDE, LimitsStore
from myobridge.simulator.safety import Safety
from myobridge.simulator.uplink import Uplink
from myobridge.wire import messages as m
from myobridge.wire.emg import MAX_CHANNELS
from myobridge.wire.frame import PAYLOAD, FrameDecoder
from myobridge.wire.messages import Result, State

VERSION: Final = tuple(map(int, version("myobridge").split(".")))


class SimulatedFirmware:
    """One board with an EMG source at its inputs, just switched on.

    boot_id: another one at each start, for all challenges follow from it. limits: stored in its EEPROM; None: none are.
    lead_off: whether an electrode is off the skin, as a front end notices; None: the board has none.
    """

    def __init__(
        self,
        source: EmgSource,
        boot_id: int = 0,
        baud: int = m.BAUD,
        limits: m.WriteLimits | None = WIDE,
        lead_off: Callable[[], bool] | None = None,
    ) -> None:
        self._source = source
        self._lead_off = lead_off
        self._baud = baud
        self.safety = Safety(boot_id=boot_id, tick_hz=TICK_HZ, challenge=boot_id)
        self.safety.started_up()
        self.limits = LimitsStore(limits)
        self.button = PushButton()
        self._button_ms = -1
        """The millisecond up to which the button has been looked at; negative before the first look."""
        self._frames = FrameDecoder()
        self._unknown = 0
        self._bad_lengths = 0
        self._seq_gaps = 0
        self._tx_drops = 0
        self._dropped_before = False
        self._host_seq: int | None = None
        self._ack = (0, 0, Result.OK)
        self._uplink = Uplink(baud)
        self._period_s = 1 / source.fs_hz
        self._first_sample_s = 0.0
        self._next_sample = 0
        """Index of the next sample, as of the last look; stays after STOP."""
        self.samples_taken = 0
        """In frames."""
        self.truth_deg: NDArray[np.float32] | None = None
        """True angles at the newest sample; None: the source does not know them."""
        self.setpoint_age = Distribution()
        """Time from the newest sample behind a SETPOINT to its arrival here: the delay of the whole chain."""
        self._status_s = 0.0
        self._servo_s = -1.0
        """Time at which the next servo period begins; negative before the first."""
        self._told: tuple[object, ...] = ()

    # --- time ---------------------------------------------------------------------------------------------

    def advance(self, now_s: float) -> None:
        """Does everything that is due by `now_s`: samples, servo periods, timeouts, STATUS.

        Raises:
            EOFError: the EMG source has ended.
        """
        self._sample(now_s)
        if self._servo_s < 0:
            self._servo_s = now_s
        while self._servo_s <= now_s:
            self.safety.tick(int(self._servo_s * 1000))
            self.safety.servo_period()
            config = self.safety.config
            self._servo_s += (config.servo_period_us if config else m.SERVO_PERIOD_MAX_US) / 1e6
        self.safety.tick(int(now_s * 1000))
        self._look_at_button(int(now_s * 1000))
        if self.limits.ended(now_s):
            self._limits_changed()
            self._owe_limits(Result.OK)
        if now_s >= self._status_s or self._told != self._tellable():
            self._uplink.owe(m.Status, self._status)
        self._uplink.send_due(now_s)

    def next_event_s(self) -> float:
        """Time at which `advance` or `outgoing` has something to do next."""
        times = [self._servo_s, self._status_s, self._uplink.next_event_s()]
        if self.limits.state is m.LimitsState.WRITING:
            times.append(self.limits.written_s)
        if self.safety.streaming and self.safety.config:
            left = self.safety.config.samples_per_frame - self.samples_taken % self.safety.config.samples_per_frame
            times.append(self._first_sample_s + (self.samples_taken + left - 1) * self._period_s)
        return min(times)

    def outgoing(self, now_s: float) -> bytes:
        """Bytes that the line has carried by `now_s`."""
        return self._uplink.carried(now_s)

    def _look_at_button(self, now_ms: int) -> None:
        if self._button_ms < 0 or self.button.rests:
            self._button_ms = now_ms - 1
        while self._button_ms < now_ms:
            self._button_ms += 1
            if self.button.tick():
                self.button.spent |= self.safety.button(self.button.pressed)
                self._uplink.owe(m.Status, self._status)

    def _sample(self, now_s: float) -> None:
        config = self.safety.config
        if not self.safety.streaming or config is None:
            return
        n = config.samples_per_frame
        while self._samples_due(now_s) - self.samples_taken >= n:
            counts, truth = self._source.read(n)
            inputs = [i for i in range(MAX_CHANNELS) if config.channel_mask >> i & 1]
            self.truth_deg = None if truth is None else truth[-1]
            taken_s = self._first_sample_s + (self.samples_taken + n - 1) * self._period_s
            self._emg(config.oversampling * counts[:, inputs], taken_s)
            self.samples_taken += n
        self._look(now_s)

    # --- out ----------------------------------------------------------------------------------------------

    def _emg(self, counts: NDArray[np.int16], now_s: float) -> None:
        head = m.Emg(self.samples_taken & 0xFFFFFFFF, len(counts), self._emg_flags()).pack()
        self._dropped_before = not self._uplink.send_emg(head + counts.astype("<i2").tobytes(), now_s)
        self._tx_drops += self._dropped_before

    def _emg_flags(self) -> m.EmgFlag:
        flags = m.EmgFlag.TX_DROP if self._dropped_before else m.EmgFlag(0)
        if self._lead_off is not None and self._lead_off():
            flags |= m.EmgFlag.LEAD_OFF
        return flags | m.EmgFlag.ARMED if self.safety.state is State.ARMED else flags

    def _tellable(self) -> tuple[object, ...]:
        return self.safety.state, self.safety.reason, self.limits.state

    def _status(self, now_s: float) -> m.Status:
        safety, errors = self.safety, self._frames.counters
        flags = m.StatusFlag(0)
        for flag, holds in (
            (m.StatusFlag.CONFIGURED, safety.config is not None),
            (m.StatusFlag.STREAMING, safety.streaming),
            (m.StatusFlag.PULSES_ON, safety.pulses_on),
        ):
            flags |= flag if holds else m.StatusFlag(0)
        self._told = self._tellable()
        self._status_s = now_s + m.STATUS_PERIOD_MS / 1000
        return m.Status(
            state=safety.state,
            reason=safety.reason,
            blockers=safety.blockers(int(now_s * 1000)),
            flags=flags,
            ack_type=self._ack[0],
            ack_seq=self._ack[1],
            ack_result=self._ack[2],
            challenge=safety.challenge,
            boot_id=safety.boot_id,
            config_crc=safety.config_crc,
            sample_index=self._look(now_s),
            t_us=int(now_s * 1e6) & 0xFFFFFFFF,
            setpoint_seq=safety.setpoint_seq,
            applied_cdeg=tuple(safety.applied),
            supply_mv=0,
            permission=safety.permission,
            limits_state=self.limits.state,
            button=self.button.bits,
            button_presses=self.button.presses,
            crc_errors=errors.crc_errors & 0xFFFF,
            length_errors=(errors.length_errors + self._bad_lengths) & 0xFFFF,
            unknown_types=self._unknown & 0xFFFF,
            seq_gaps=self._seq_gaps & 0xFFFF,
            rx_overruns=0,
            range_rejects=safety.range_rejects & 0xFFFF,
            stale_rejects=safety.stale_rejects & 0xFFFF,
            tx_drops=self._tx_drops & 0xFFFF,
            max_loop_us=0,
        )

    # --- in -----------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_s: float) -> None:
        """Takes bytes from the host, after everything that was due before they arrived.

        Raises:
            EOFError: the EMG source has ended.
        """
        self.advance(now_s)
        for frame in self._frames.feed(data):
            kind, seq, payload = frame[0], frame[1], frame[PAYLOAD]
            self._count_gap(seq, kind)
            message_class = m.BY_TYPE.get(kind)
            if message_class is None or kind & 0x80:
                self._unknown += 1
            elif len(payload) != m.PAYLOAD_BYTES[kind]:
                self._bad_lengths += 1
            else:
                self._dispatch(message_class.unpack(payload), seq, now_s)
                self._uplink.send_due(now_s)

    def _count_gap(self, seq: int, kind: int) -> None:
        if self._host_seq is not None and kind != m.Hello.TYPE:
            self._seq_gaps += (seq - self._host_seq - 1) & 0xFF
        self._host_seq = seq

    def _dispatch(self, message: m.Message, seq: int, now_s: float) -> None:
        now_ms, safety = int(now_s * 1000), self.safety
        match message:
            case m.Setpoint():
                sampled_s = self._first_sample_s + message.based_on_sample * self._period_s
                if safety.streaming:
                    self.setpoint_age.add(now_s - sampled_s)
                safety.setpoint(message, seq, self._look(now_s), now_ms)
                return
            case m.Ping():
                pong = m.Pong(message.token, int(now_s * 1e6) & 0xFFFFFFFF, self._look(now_s))
                self._uplink.owe(m.Pong, lambda _: pong)
                return
            case m.Hello():
                safety.host_speaks_ours = message.proto_hash == m.PROTO_HASH
                ident = self._ident(message.nonce)
                self._uplink.owe(m.Ident, lambda _: ident)
                result = Result.OK
            case m.Config():
                self._ack = (message.TYPE, seq, self._config(message))
                return
            case m.ReadLimits() | m.WriteLimits():
                self._ack = (message.TYPE, seq, self._limits(message, now_s))
                return
            case m.Start():
                result = self._start(message, now_s)
            case m.Stop():
                safety.stop()
                result = Result.OK
            case m.Arm():
                result = safety.arm(message, now_ms)
            case m.Disarm():
                result = safety.disarm()
            case m.Estop():
                safety.estop()
                result = Result.OK
            case _:
                return
        self._ack = (message.TYPE, seq, result)
        self._uplink.owe(m.Status, self._status)

    def _samples_due(self, now_s: float) -> int:
        """Number of samples that the sample clock has taken by now; it also runs between frames."""
        return max(0, floor((now_s - self._first_sample_s) / self._period_s) + 1)

    def _look(self, now_s: float) -> int:
        """Index of the next sample."""
        if self.safety.streaming:
            before, self._next_sample = self._next_sample, self._samples_due(now_s) & 0xFFFFFFFF
            if self._next_sample != before:
                self.safety.sampled(int(now_s * 1000))
        return self._next_sample

    def _ident(self, nonce: int) -> m.Ident:
        return m.Ident(
            major=m.MAJOR,
            minor=m.MINOR,
            nonce=nonce,
            proto_hash=m.PROTO_HASH,
            firmware_version=VERSION,
            build=0,
            board=m.Board.SIMULATED,
            boot_id=self.safety.boot_id,
            reset_cause=m.ResetCause.POWER_ON,
            capabilities=m.Capability.BUTTON | (m.Capability.LEAD_OFF if self._lead_off else m.Capability(0)),
            max_channels=min(MAX_CHANNELS, self._source.channels),
            adc_bits=self._source.adc_bits,
            tick_hz=TICK_HZ,
        )

    def _config(self, config: m.Config) -> Result:
        safety = self.safety
        if safety.state is not State.DISARMED or safety.streaming:
            result = Result.WRONG_STATE
        else:
            result = check_config(config, self._source, self._baud)
            if result is Result.OK:
                safety.configure(config, crc32(config.pack()))
                self._limits_changed()
                self._start_within_limits(config)
        period = safety.config.sample_period_ticks if safety.config else 0
        ack = m.ConfigAck(result, period, safety.config_crc)
        self._uplink.owe(m.ConfigAck, lambda _: ack)
        return result

    def _limits(self, wanted: m.ReadLimits | m.WriteLimits, now_s: float) -> Result:
        if isinstance(wanted, m.ReadLimits):
            result = Result.OK
        elif not self.safety.host_speaks_ours:
            result = Result.BLOCKED
        elif self.safety.state is not State.DISARMED:
            result = Result.WRONG_STATE
        else:
            result = self.limits.write(wanted, now_s)
            self._limits_changed()
        self._owe_limits(result)
        return result

    def _start_within_limits(self, config: m.Config) -> None:
        """Arming jumps to the angles: one that a jog has left beyond the limits is put on the safe pose."""
        safety, within = self.safety, self.limits.within
        angles = zip(safety.applied, config.servo_safe_cdeg, within(config, safety.applied), strict=True)
        safety.applied = [angle if fits else safe for angle, safe, fits in angles]
        safety.starts_within = all(within(config, safety.applied))

    def _owe_limits(self, result: Result) -> None:
        self._uplink.owe(m.Limits, lambda _: self.limits.told(result))

    def _limits_changed(self) -> None:
        self.safety.limits_blockers = self.limits.blockers(self.safety.config)

    def _start(self, message: m.Start, now_s: float) -> Result:
        safety = self.safety
        if safety.config is None or message.config_crc != safety.config_crc:
            return Result.WRONG_CONFIG
        if not safety.streaming:
            safety.start(int(now_s * 1000))
            self._period_s = safety.config.sample_period_ticks / TICK_HZ
            self._first_sample_s = now_s + self._period_s
            self.samples_taken = 0
        return Result.OK
