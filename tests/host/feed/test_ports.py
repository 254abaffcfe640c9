"""The list of ports, and the question to their boards."""

import fnmatch
import json
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from myobridge.commands.devices import devices as command
from myobridge.feed import About, ports
from myobridge.feed.server import Feed
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.pty_port import PtyPort
from myobridge.wire import messages as m
from myobridge.wire import quiet
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import SerialLink
from tiny_model import tiny_spec
from virtual_hand import ConstantSource, VirtualHand, frame_of

IDENT = m.Ident(
    major=m.MAJOR,
    minor=m.MINOR,
    nonce=0,
    proto_hash=m.PROTO_HASH,
    firmware_version=(0, 3, 12),
    build=0,
    board=m.Board.MEGA2560,
    boot_id=7,
    reset_cause=m.ResetCause.BROWN_OUT,
    capabilities=0,
    max_channels=8,
    adc_bits=10,
    tick_hz=2_000_000,
)


HAND = VirtualHand()
HAND.run_until(lambda: HAND.received, within_s=0.15)
STATUS = HAND.received[0]


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr(ports, "PATIENCE_S", 0.5)


@pytest.fixture
def serve():
    """Starts something that answers on its own port: a function of the bytes that arrived and the time."""
    stop, threads, ports = threading.Event(), [], []

    def start(answer):
        port = PtyPort(None)
        ports.append(port)

        def run():
            while not stop.is_set():
                port.wait(0.005)
                data = answer(port.read(), time.monotonic())
                if data:
                    port.write(data)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return port.path

    yield start
    stop.set()
    for thread, port in zip(threads, ports, strict=True):
        thread.join()
        port.unplug()


def device(ident, deaf_s=0.0, *, says_status=True):
    """Sends STATUS and answers HELLO with this IDENT, but is deaf and silent at first."""
    frames, status_s = FrameDecoder(), time.monotonic() + deaf_s

    def answer(data, now_s):
        nonlocal status_s
        if now_s < status_s - m.STATUS_PERIOD_MS / 1000:
            return b""
        said = [frame_of(ident) for frame in frames.feed(data) if frame[0] == m.Hello.TYPE]
        if says_status and now_s >= status_s:
            status_s = now_s + m.STATUS_PERIOD_MS / 1000
            said.append(frame_of(STATUS))
        return b"".join(said)

    return answer


def test_the_simulated_hand_is_found(serve):
    firmware = SimulatedFirmware(ConstantSource(), boot_id=1)

    def answer(data, now_s):
        firmware.receive(data, now_s)
        firmware.advance(now_s)
        return firmware.outgoing(now_s)

    row = ports.probe(serve(answer))
    assert row["board"] == "simulated"
    assert (row["channels"], row["adc_bits"], row["protocol_matches"]) == (4, 10, True)


def test_board_firmware_version_and_reset_cause_are_reported(serve):
    path = serve(device(IDENT))
    assert ports.probe(path) == {
        "port": path,
        "answer": "mega2560, firmware 0.3.12, 8 channels of 10 bits, last reset: brown out",
        "board": "mega2560",
        "firmware": "0.3.12",
        "channels": 8,
        "adc_bits": 10,
        "reset_cause": "brown_out",
        "protocol_matches": True,
    }


def test_another_protocol_revision_is_reported(serve):
    row = ports.probe(serve(device(replace(IDENT, proto_hash=1, major=9))))
    assert row["answer"].endswith(
        "; another protocol revision: flash the firmware of this version with `myobridge flash`"
    )
    assert row["protocol_matches"] is False


def test_unknown_enumeration_values_are_numbers(serve):
    row = ports.probe(serve(device(replace(IDENT, board=77, reset_cause=99))))
    assert (row["board"], row["reset_cause"]) == ("77", "99")


def test_a_board_in_its_boot_loader_is_waited_for(serve):
    assert ports.probe(serve(device(IDENT, deaf_s=0.3)))["board"] == "mega2560"


def test_a_silent_board_is_asked_once_after_every_boot_loader_has_ended(serve, monkeypatch):
    monkeypatch.setattr(quiet, "LISTEN_S", 0.3)
    assert ports.probe(serve(device(IDENT, says_status=False)))["board"] == "mega2560"


def noise(_data, _now_s):
    return bytes(range(1, 256)) + b"\0" + b"\n> "


def cut_off(_data, _now_s):
    return frame_of(IDENT)[:-3] + b"\0"


def longer(_data, _now_s):
    return frame_of(m.Ping(1)) + frame_of(m.Pong(1, 2, 3))


@pytest.mark.real_time
@pytest.mark.parametrize("answer", [lambda _data, _now_s: b"", noise, cut_off, longer, lambda data, _now_s: data])
def test_a_foreign_device_is_reported_in_time(serve, answer):
    path = serve(answer)
    began_s = time.monotonic()
    assert ports.probe(path) == {"port": path, "answer": ports.NOTHING}
    assert time.monotonic() - began_s < 5.0


def test_a_port_that_vanishes_during_the_question_is_a_foreign_device():
    port = PtyPort(None)
    timer = threading.Timer(0.1, port.unplug)
    timer.start()
    assert ports.ask(port.path) is None
    timer.join()


def test_a_busy_port_and_a_missing_port_get_their_sentences(serve):
    path = serve(device(IDENT))
    link = SerialLink(path)
    assert "is in use by another program" in ports.probe(path)["answer"]
    link.close()
    assert ports.probe(path)["board"] == "mega2560"
    assert "There is no port" in ports.probe("/dev/ttyNone")["answer"]


def test_asking_does_not_change_the_hand(serve):
    """Only HELLO is sent."""
    seen, frames = [], FrameDecoder()
    answer = device(IDENT)

    def watched(data, now_s):
        seen.extend(frame[0] for frame in frames.feed(data))
        return answer(data, now_s)

    ports.probe(serve(watched))
    assert set(seen) == {m.Hello.TYPE}


@pytest.fixture
def computer(monkeypatch):
    """A computer whose system knows these ports, and whose /dev holds these names."""

    def build(known=(), names=None, hwid="USB VID:PID=2341:0042"):
        names = names or {}
        listed = [SimpleNamespace(device=port, hwid=hwid, description="Arduino Mega 2560") for port in known]
        monkeypatch.setattr(ports, "comports", lambda: listed)
        monkeypatch.setattr(
            ports.Path, "glob", lambda dev, pattern: map(Path, fnmatch.filter(names, f"{dev}/{pattern}"))
        )
        monkeypatch.setattr(ports.Path, "is_char_device", lambda path: str(path) in names)
        monkeypatch.setattr(ports, "_identity", lambda port: names.get(port, port))

    return build


def test_only_ports_with_hardware_behind_them_are_listed(computer, monkeypatch):
    computer()
    found = [
        SimpleNamespace(device="/dev/ttyUSB1", hwid="USB VID:PID=0403:6001", description="FT232R"),
        SimpleNamespace(device="/dev/ttyS0", hwid="n/a", description="n/a"),
        SimpleNamespace(device="/dev/ttyACM0", hwid="USB VID:PID=2341:0042", description=None),
    ]
    monkeypatch.setattr(ports, "comports", lambda: found)
    assert ports.list_ports() == {"/dev/ttyACM0": ports.UNKNOWN, "/dev/ttyUSB1": "FT232R"}


@pytest.mark.parametrize(
    "port", ["/dev/ttyACM0", "/dev/ttyUSB3", "/dev/ttyAMA0", "/dev/myobridge", "/dev/myobridge-left"]
)
def test_in_a_container_without_sysfs_ports_are_listed_by_their_names(computer, port):
    computer(known=[port], hwid="n/a", names={port: 1})
    assert ports.list_ports() == {port: ports.UNKNOWN}


def test_a_port_with_several_names_is_listed_once(computer):
    computer(names={"/dev/ttyACM0": 1, "/dev/serial/by-id/usb-Arduino-if00": 1, "/dev/serial/by-id/usb-Other-if00": 2})
    assert list(ports.list_ports()) == ["/dev/serial/by-id/usb-Other-if00", "/dev/ttyACM0"]
    computer(known=["/dev/ttyACM0"], names={"/dev/ttyACM0": 1, "/dev/myobridge": 1})
    assert ports.list_ports() == {"/dev/ttyACM0": "Arduino Mega 2560"}


@pytest.mark.parametrize("error", [TypeError, ValueError, OSError])
def test_an_incomplete_sysfs_does_not_break_the_list(computer, monkeypatch, error):
    def refuse():
        raise error("int() can't convert non-string with explicit base")

    computer(names={"/dev/ttyACM0": 1})
    monkeypatch.setattr(ports, "comports", refuse)
    assert list(ports.list_ports()) == ["/dev/ttyACM0"]


def test_a_port_whose_name_is_not_text_is_listed(tmp_path, capsys):
    port = tmp_path / os.fsdecode(b"tty\xff\xfe")
    command.main([str(port)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "There is no port" in shown
    assert "tty\N{REPLACEMENT CHARACTER}" in shown
    command.main([str(port), "--json", "-"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["devices"][0]["port"] == str(port)


def test_an_unknown_description_is_listed_as_unknown(computer, capsys, monkeypatch):
    computer(known=["/dev/ttyUSB1"], names={"/dev/ttyACM0": 1})
    monkeypatch.setattr(ports, "probe", lambda port: {"port": port, "answer": "It answers."})
    command.main([], standalone_mode=False)
    known, unknown = sorted(capsys.readouterr().out.splitlines(), reverse=True)
    assert known.endswith("It answers.")
    assert unknown.endswith("It answers. (the operating system does not say what is plugged in there)")


def test_a_running_daemon_answers_for_its_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    port = PtyPort(None)
    link = SerialLink(port.path)
    about = About(port=port.path, model_path="m", spec=tiny_spec(), ident=IDENT, config=None, wall_minus_monotonic_s=0)
    feed, over = Feed(port.path, lambda: about), threading.Event()

    def attend():
        while not over.wait(0.001):
            feed.poll()

    thread = threading.Thread(target=attend)
    thread.start()
    answers = []
    for ident in (IDENT, None):
        about.ident = ident
        answers.append(ports.probe(port.path)["answer"])
    over.set()
    thread.join()
    feed.close()
    link.close()
    port.unplug()
    assert answers[0].startswith("mega2560, firmware 0.3.12")
    assert answers[0].endswith("; a myobridge daemon runs on it")
    assert "is looking for the board" in answers[1]
