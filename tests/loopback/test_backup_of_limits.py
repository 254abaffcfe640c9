"""Servo limits go from a backup into a board and back, and not past a daemon."""

import msgspec

from myobridge.daemon.backup.archive import packed, unpacked
from myobridge.model.shipped import find_model
from myobridge.wire.messages import WriteLimits
from processes import feed_of, myobridge, running, simulated_hand

LIMITS = WriteLimits((0,) * 5, (9000,) * 5, (600, 700, 800, 900, 1000), (2000,) * 5, 3)


def test_limits_are_stored_in_a_board_and_read_from_it_to_the_bit(tmp_path):
    model, file, again = find_model("synth"), tmp_path / "a.myobackup", tmp_path / "b.myobackup"
    about = {"myobridge": "0.1.0", "made_s": 1.8e9, "hand": "", "board": "usb-another"}
    file.write_bytes(packed({"model.onnx": model.read_bytes(), "limits.json": msgspec.json.encode(LIMITS)}, about))
    restore = ("restore", file, "--model", tmp_path / "mine.onnx")
    with simulated_hand(tmp_path) as hand:
        with running("run", "--port", hand.port, "--model", "synth"):
            feed_of(hand.port).close()
            refused = myobridge(*restore, "--port", hand.port)
            assert "daemon runs on" in refused.stderr
            assert not (tmp_path / "mine.onnx").exists()
        restored = myobridge(*restore, "--port", hand.port)
        assert restored.returncode == 0, restored.stderr
        assert "from another board" in restored.stderr
        made = myobridge("backup", again, "--model", tmp_path / "mine.onnx", "--port", hand.port)
        assert "the servo limits" in made.stderr, made.stderr
    assert msgspec.json.decode(unpacked(again).entries["limits.json"], type=WriteLimits) == LIMITS
