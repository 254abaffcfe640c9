"""Boards as they are sold: their boot loaders' own binaries in front of the firmware, DTR, and the line as it is.

`sim_boot.py` does the same in 300 phases.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sim_boot import AGAIN_S, FRESH_S, PROGRAMS, open_connection, openings
from sim_hand import Kind, SimHand, build_firmware, ms
from sim_host import SimHost
from sim_moving import last_pulse_end
from sim_port import ELF_OF, port_of, replaced

from myobridge.daemon.permission import estop_command as stop
from myobridge.daemon.permission.rules import LIFTED
from myobridge.simulator.real_firmware import build_loader
from myobridge.wire.frame import encode
from myobridge.wire.handshake import Phase
from myobridge.wire.messages import MAJOR, MINOR, PROTO_HASH, SERVOS, Arm, Hello, Permission, Result, State

PHASES = 20
HELLO = b"\0" + encode(Hello.TYPE, 0, Hello(MAJOR, MINOR, 0, PROTO_HASH).pack())
UP_MS = 3000
"""Every board is up by then."""
GET_SYNC, IN_SYNC = b"0 ", b"\x14\x10"
"""Of the loaders' own protocol, STK500."""
WATCHDOG = 8
"""A bit of MCUSR."""


def board_at_its_loader(loader: str) -> SimHand:
    """A board that was reset just now."""
    hand = SimHand(build_firmware(ELF_OF[loader]), ELF_OF[loader], loader=build_loader(loader))
    hand.run_ms(UP_MS)
    hand.command("reset")
    hand.frames()
    hand.forget()
    return hand


def first_frame_ms(hand: SimHand, within_ms: float, say_every_ms: float = 0) -> float:
    """When the firmware speaks after the reset, if the host says HELLO so often meanwhile; infinity: it does not."""
    began, step_ms = hand.cycle, say_every_ms or 50
    while ms(hand.cycle - began) < within_ms:
        if say_every_ms:
            hand.send(HELLO)
        hand.run_ms(step_ms)
        if frames := hand.frames():
            return ms(frames[0].cycle - began)
    return float("inf")


# ---- the programs ----


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("loader", ELF_OF)
def test_each_program_reaches_the_hand_on_the_first_try_at_any_moment(loader: str, program: str) -> None:
    took_s = openings(loader, program, PHASES // len(PROGRAMS), reset=True, seed=len(program))
    assert max(took_s) <= FRESH_S[loader]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("loader", ELF_OF)
def test_an_opening_that_does_not_reset_the_board_is_quick(loader: str, program: str) -> None:
    assert max(openings(loader, program, PHASES // len(PROGRAMS), reset=False, seed=len(program))) <= AGAIN_S


@pytest.mark.parametrize("loader", ELF_OF)
def test_a_stop_by_command_reaches_the_board_after_its_loader_and_lifting_resets_it(
    loader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    name = str(tmp_path / "the port")
    with port_of(loader) as port, replaced("myobridge.daemon.permission.estop_command", port):
        began_s = port.now_s
        assert stop.stop(name) == (True, stop.STOPPED_ALONE)
        assert port.now_s - began_s < FRESH_S[loader]
        resets = port.hand.stats()["reset_count"]
        assert stop.lift(name) == (True, LIFTED)
        assert port.hand.stats()["reset_count"] > resets


def test_the_second_opening_does_not_reset_the_board_and_one_with_hupcl_set_does() -> None:
    with port_of("uno") as port:
        resets = lambda: port.hand.stats()["reset_count"]  # noqa: E731
        port.sleep(UP_MS / 1000)
        port.open().close()
        once = resets()
        port.open().close()
        assert resets() == once
        port.hupcl = True  # somebody else's program
        port.close()
        port.open()
        assert resets() == once + 1


@pytest.mark.parametrize("loader", ELF_OF)
def test_a_grip_survives_the_daemon_that_held_it(loader: str) -> None:
    with port_of(loader) as port:
        port.sleep(UP_MS / 1000)
        port.open()
        port.sleep(UP_MS / 1000)
        host = SimHost(port.hand)
        host.stream_armed()
        host.move((9000,) * SERVOS, 300)
        port.close()  # the daemon is killed, and started again
        port.sleep(0.3)
        resets = port.hand.stats()["reset_count"]
        connection = open_connection(port)
        while connection.state is None:
            connection.turn()
        assert connection.state is State.HOLD and connection.session.phase is Phase.SETTLING
        while not connection.streaming:
            connection.turn()
        assert connection.state is State.DISARMED, "once the hand has opened"
        assert port.hand.stats()["reset_count"] == resets


@pytest.mark.parametrize("loader", ELF_OF)
def test_a_reset_through_the_loader_ends_the_pulses_and_refuses_the_old_arm(loader: str) -> None:
    with board_at_its_loader(loader) as hand:
        hand.run_ms(UP_MS)
        host = SimHost(hand)
        host.stream_armed()
        host.move((9000,) * SERVOS, 300)
        old, config_crc, reset = host.status, host.config_crc, hand.cycle
        hand.command("reset")
        host.run_ms(UP_MS)
        assert last_pulse_end(hand) <= reset
        assert host.hello().boot_id != old.boot_id
        assert host.status.state == State.DISARMED
        again = Arm(Permission.DECODER, old.boot_id, config_crc, old.challenge)
        assert host.ask(again).ack_result == Result.WRONG_BOOT


# ---- the loaders, as silicon has them ----


@pytest.mark.parametrize(("loader", "within_ms"), [("mega2560", 1000), ("uno", 1600), ("nano", 1600)])
def test_a_silent_host_sees_the_board_in_time(loader: str, within_ms: float) -> None:
    with board_at_its_loader(loader) as hand:
        assert 500 < first_frame_ms(hand, within_ms) < within_ms


def test_the_megas_loader_stays_five_seconds_after_a_hello_and_for_ever_with_a_host_that_talks() -> None:
    with board_at_its_loader("mega2560") as hand:
        hand.run_ms(100)
        hand.send(HELLO)
        assert 4900 < first_frame_ms(hand, 6000) < 5400
    with board_at_its_loader("mega2560") as hand:
        assert first_frame_ms(hand, 9000, say_every_ms=50) == float("inf")


def test_bytes_at_the_hosts_speed_are_framing_errors_to_a_loader() -> None:
    with board_at_its_loader("mega2560") as hand:
        hand.run_ms(100)
        hand.send(HELLO)
        hand.run_ms(10)
        assert hand.stats()["uart"]["rx_framing_errors"] > 0
        heard = hand.events(Kind.RX)["value"].tobytes()
    assert len(heard) < len(HELLO)


@pytest.mark.parametrize(("loader", "baud", "at_ms"), [("uno", 115200, 500), ("nano", 57600, 900)])
def test_each_loader_answers_its_programmer_at_its_own_speed_alone(loader: str, baud: int, at_ms: float) -> None:
    for speed in (baud, 500_000):
        with board_at_its_loader(loader) as hand:
            hand.run_ms(at_ms)
            hand.command(f"baud {speed}")
            hand.send(GET_SYNC)
            hand.run_ms(50)
            answered = hand.events(Kind.TX)["value"].astype("u1").tobytes() == IN_SYNC
        assert answered == (speed == baud)


@pytest.mark.parametrize(("loader", "back_within_ms"), [("mega2560", 1200), ("uno", 400), ("nano", None)])
def test_a_watchdog_reset_passes_through_the_loader_and_the_old_nano_never_comes_back(
    loader: str, back_within_ms: float | None
) -> None:
    with board_at_its_loader(loader) as hand:
        hand.run_ms(UP_MS)
        hand.command("freeze all")
        while not hand.stats()["resets"][-1]["mcusr"] & WATCHDOG:
            hand.run_ms(10)
        hand.frames()
        if back_within_ms is not None:
            assert first_frame_ms(hand, back_within_ms) < back_within_ms
        else:
            assert first_frame_ms(hand, 5000) == float("inf")
            hand.command("reset")
            assert first_frame_ms(hand, 5000) == float("inf"), "the reset button and DTR do not help either"
            hand.command("power-cycle")
            assert first_frame_ms(hand, 5000) < 5000
