"""Messages are packed and unpacked without loss, have the length of the protocol, and match their source."""

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from myobridge.wire import messages as m
from myobridge.wire.frame import MIN_FRAME_BYTES

FIRMWARE = Path(__file__).parents[3] / "firmware"
RANGES = {"B": (0, 255), "H": (0, 65535), "I": (0, 2**32 - 1), "Q": (0, 2**64 - 1)}


def any_message(kind):
    """A message with random values for its fields."""
    values = []
    for count, code in re.findall(r"(\d*)([BHIQ])", kind.STRUCT.format):
        number = st.integers(*RANGES[code])
        values.append(st.tuples(*[number] * int(count)) if count else number)
    assert len(values) == len(fields(kind))
    return st.builds(kind, *values)


@pytest.mark.parametrize("kind", m.BY_TYPE.values(), ids=lambda kind: kind.__name__)
@given(st.data())
def test_what_is_packed_is_unpacked(kind, data):
    message = data.draw(any_message(kind))
    assert kind.unpack(message.pack()) == message
    assert len(message.pack()) == m.PAYLOAD_BYTES[kind.TYPE]


@pytest.mark.parametrize("kind", m.BY_TYPE.values(), ids=lambda kind: kind.__name__)
def test_a_payload_of_another_length_is_refused(kind):
    for size in {kind.STRUCT.size + 1, abs(kind.STRUCT.size - 1)}:
        with pytest.raises(struct.error):
            kind.unpack(bytes(size))


def test_every_message_fits_in_a_frame_and_knows_its_direction():
    for kind, message in m.BY_TYPE.items():
        assert kind == message.TYPE
        assert message.STRUCT.size + MIN_FRAME_BYTES <= m.MAX_FRAME_BYTES
    to_device = {t for t in m.BY_TYPE if not t & 0x80}
    assert to_device == {
        k.TYPE
        for k in (
            m.Hello,
            m.Config,
            m.Start,
            m.Stop,
            m.Arm,
            m.Disarm,
            m.Estop,
            m.Setpoint,
            m.Ping,
            m.ReadLimits,
            m.WriteLimits,
        )
    }


def test_the_limits_are_consistent():
    assert m.HOLD_MIN_MS < m.HOLD_MAX_MS < m.RELAX_MAX_MS
    assert m.SLEW_MIN_CDEG_PER_S * m.SERVO_PERIOD_MIN_US // 1_000_000 >= 1, "the slowest slew still moves"
    assert m.SLEW_MIN_CDEG_PER_S < m.FIRST_MOVE_SLEW_CDEG_PER_S <= m.RELAX_SLEW_CDEG_PER_S < m.SLEW_MAX_CDEG_PER_S
    assert m.HOLD_MIN_MS < m.RESUME_CLEAN_MS < m.RELAX_MAX_MS
    assert max(m.BY_TYPE) < 256


def test_generated_files_are_current():
    done = subprocess.run(
        [sys.executable, FIRMWARE / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
