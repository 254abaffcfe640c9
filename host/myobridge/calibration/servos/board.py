"""The board whose servos are looked at: greeted, streaming, armed for a jog, and disarmed at the end in any case."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

from msgspec.structs import asdict, replace

from myobridge.board import board_config
from myobridge.calibration.servos.guide import cdeg_of, start_us
from myobridge.channels import spec_for
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon
from myobridge.feed.port_stream import PortStream
from myobridge.feed.ports import NOTHING, greet
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import EMG_HEAD, SAMPLES_AT
from myobridge.wire.handshake import SessionBroken, check_major
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.servo_limits import read_limits, write_limits

TURN_S: Final = 0.02
SETPOINT_S: Final = 0.01
VALID_4MS: Final = 25
"""The board refuses a setpoint whose newest sample is older than 100 ms."""
RELAX_MS: Final = 1000
"""Servos go limp after this long without a host; a host that stumbles can still come back."""
SLEW_CDEG_PER_S: Final = m.JOG_SLEW_CDEG_PER_S
DISARM_S: Final = 1.0
STOP_S: Final = 3.0
"""How long to repeat an ESTOP for the answer, as the daemon does."""
SILENT_S: Final = 0.5
DEFAULT_FS_HZ: Final = 2000.0
FAULT_CAUSES: Final = m.Blocker.SUPPLY_LOW | m.Blocker.SAMPLING_STALLED
UNCONFIRMED: Final = "The board on {} did not confirm that the pulses are off; switch the servo power off."
STOP_UNCONFIRMED: Final = "The board did not confirm the emergency stop; switch the servo power off."
IN_FORCE: Final = (
    "The emergency stop of the hand on {0} is in force; make the hand safe, then lift the stop: "
    "`myobridge lift-estop --port {0}`."
)


def search_config(ident: m.Ident, settings: Settings, held: m.Limits) -> m.Config:
    """CONFIG for the search: the widest pulses, slow, starting in the middle of what holds.

    Raises:
        UserError: the board cannot sample as the settings say.
    """
    wanted = settings.acquisition
    spec = spec_for(wanted.fs_hz or DEFAULT_FS_HZ, len(wanted.inputs or range(1)))
    return replace(
        board_config(ident, spec, settings),
        servo_min_cdeg=(0,) * m.SERVOS,
        servo_max_cdeg=(m.ANGLE_MAX_CDEG,) * m.SERVOS,
        servo_safe_cdeg=tuple(map(cdeg_of, start_us(held))),
        pulse_0_us=(m.PULSE_MIN_US,) * m.SERVOS,
        pulse_180_us=(m.PULSE_MAX_US,) * m.SERVOS,
        servo_period_us=m.SERVO_PERIOD_MAX_US,
        slew_cdeg_per_s=SLEW_CDEG_PER_S,
        hold_ms=m.HOLD_MAX_MS,
        relax_ms=RELAX_MS,
    )


def has_let_go(status: m.Status) -> bool:
    """The hand has let go, and nothing but a DISARM is missing before a person may arm it again."""
    over = not status.blockers & FAULT_CAUSES
    return status.state == m.State.RELAX or (status.state == m.State.FAULT and over)


def refuse_company(port: str, command: str) -> None:
    """Refuses a port whose daemon runs; command: of `myobridge`, which needs the port for itself.

    Raises:
        UserError: a daemon runs there.
    """
    with suppress(NoDaemon):
        FeedClient(port).close()
        raise UserError(
            f"A myobridge daemon runs on {port}; end it, then run `myobridge {command} --port {port}` again."
        )


class Board:
    """A board on an open port."""

    def __init__(self, port: str, settings: Settings) -> None:
        """Opens the port and reads what the board holds.

        Raises:
            UserError: the port cannot be opened, no board of this protocol answers, or the hand is stopped.
        """
        refuse_company(port, "servos")
        self.port = port
        self._settings = settings
        self._stream: PortStream | None = None
        self._newest: int | None = None
        self._heard_s = self._told_s = 0.0
        self._is_lost = False
        self._link = SerialLink(port, settings.link.baud)
        try:
            self.ident = self._greeted()
            self.held = read_limits(self._link)
        except LinkLost as lost:
            self._link.close()
            raise self.lost(lost) from lost
        except UserError:
            self._link.close()
            raise

    def _greeted(self) -> m.Ident:
        ident = greet(self._link)
        if ident is None:
            raise UserError(f"On {self.port} {NOTHING}")
        check_major(ident)
        if ident.proto_hash != m.PROTO_HASH:
            raise UserError(
                "The board's firmware has another protocol revision; "
                "flash the firmware of this version with `myobridge flash`."
            )
        return ident

    def lost(self, error: LinkLost) -> UserError:
        """The sentence about a port that is gone."""
        return UserError(
            f"{self.port} disappeared ({error}), so the servos go limp within {RELAX_MS / 1000:g} s; check the cable "
            "and start `myobridge servos` again."
        )

    # --- the stream ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Returns when the board streams.

        Raises:
            UserError: the board cannot be used, or an emergency stop is in force.
        """
        self._memory = EstopMemory(self.port)
        if self.stop_is_remembered:
            raise UserError(IN_FORCE.format(self.port))
        self._stream = PortStream(self._link, lambda ident: search_config(ident, self._settings, self.held), self._hear)
        try:
            self._stream.start()
        except LinkLost as lost:
            raise self.lost(lost) from lost

    @property
    def stop_is_remembered(self) -> bool:
        """An emergency stop of this hand is in force, for example because somebody ran `myobridge estop`."""
        return self._memory.said

    @property
    def status(self) -> m.Status | None:
        """The board's newest STATUS."""
        return None if self._stream is None else self._stream.session.status

    @property
    def refusal(self) -> str:
        """Why the board does not arm the hand; empty if it does, or has not answered."""
        return "" if self._stream is None else self._stream.session.arm_refusal

    def _hear(self, frame: bytes, now_s: float) -> None:
        self._heard_s = now_s
        if frame[0] == m.Emg.TYPE and len(frame) > SAMPLES_AT:
            index, n, _ = EMG_HEAD.unpack_from(frame)
            self._newest = (index + n - 1) & 0xFFFFFFFF

    def turn(self, timeout_s: float = TURN_S) -> None:
        """Waits for bytes and takes them.

        Raises:
            UserError: the port is gone, or the board was reset or fell silent.
        """
        assert self._stream is not None
        try:
            self._stream.receive(timeout_s)
        except LinkLost as lost:
            raise self.lost(lost) from lost
        except SessionBroken as broken:
            self._is_lost = True
            raise UserError(
                f"The board on {self.port} was reset or stopped answering; start `myobridge servos` again."
            ) from broken
        if time.monotonic() - self._heard_s > SILENT_S:
            self._is_lost = True
            raise self.lost(LinkLost("the board fell silent"))

    # --- the hand -----------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Asks for the permission to jog."""
        assert self._stream is not None
        self._stream.session.request_arm(m.Permission.JOG)

    def disarm(self) -> None:
        """Cuts the pulses; the session repeats this until the board answers."""
        assert self._stream is not None
        self._stream.session.request_disarm()

    def setpoint(self, target_cdeg: tuple[int, ...], now_s: float) -> None:
        """Sends one SETPOINT if the hand may move and one is due."""
        assert self._stream is not None
        session = self._stream.session
        if session.may_move and self._newest is not None and now_s - self._told_s >= SETPOINT_S:
            self._told_s = now_s
            session.setpoint(target_cdeg, VALID_4MS, self._newest)

    def estop(self) -> str:
        """Cuts the pulses until a reset and remembers the stop; what failed, or nothing."""
        assert self._stream is not None
        session = self._stream.session
        failed = []
        session.request_estop()
        with suppress(LinkLost):  # the wait for the answer says so
            session.poll(time.monotonic())
        for step in (self._memory.remember, self._await_stop):
            try:
                step()
            except UserError as error:
                failed.append(str(error))
        return " ".join(failed)

    def _await_stop(self) -> None:
        if not self._until(m.State.ESTOP, STOP_S):
            raise UserError(STOP_UNCONFIRMED)

    def _until(self, state: m.State, within_s: float) -> bool:
        until_s = time.monotonic() + within_s
        while (status := self.status) is None or status.state != state:
            if time.monotonic() > until_s:
                return False
            self.turn()
        return True

    def save(self, limits: m.WriteLimits) -> None:
        """Disarms the hand, stores limits, and reads them back into `held`.

        Raises:
            UserError: the board did not store them, or the port is gone.
        """
        self.disarm()
        if not self._until(m.State.DISARMED, DISARM_S):
            raise UserError("The board does not disarm the hand, so nothing was stored; switch the servo power off.")
        self.store(limits)

    def store(self, limits: m.WriteLimits) -> None:
        """Stores limits in a board whose hand is disarmed, and reads them back into `held`.

        Raises:
            UserError: the board did not store them, or the port is gone.
        """
        try:
            write_limits(self._link, limits)
            self.held = read_limits(self._link)
        except LinkLost as lost:
            raise UserError(
                f"{self.port} disappeared ({lost}) while the limits were stored; the board holds the old limits or the "
                f"new, which `myobridge servos --port {self.port} --show` tells."
            ) from lost
        self._heard_s = time.monotonic()
        told = asdict(self.held)
        if any(told[name] != value for name, value in asdict(limits).items()):
            raise UserError("The board reads back other servo limits than were stored; store them again.")

    def close(self) -> bool:
        """Disarms the hand and closes the port; False if the board did not confirm that the pulses are off.

        A lost board gets no word, which would keep its boot loader running; a board without a host lets go by itself.
        """
        if self._stream is None:
            self._link.close()
            return True
        if self._is_lost:
            self._stream.abandon()
        else:
            self._stream.close()
        status = self.status
        return status is None or not status.flags & m.StatusFlag.PULSES_ON
