"""Good model files run; every other file is refused in one sentence that says what to do."""

import msgspec
import numpy as np
import onnx
import pytest

from myobridge.decoder.inference import decoder_of
from myobridge.decoder.window import Window
from myobridge.errors import UserError
from myobridge.model.file import METADATA_KEY, decode_spec, encode_spec
from myobridge.model.load import open_model
from tiny_model import tiny_spec, write_tiny_model


def test_metadata_survives_the_round_trip(tmp_path):
    spec = tiny_spec()
    assert decode_spec(encode_spec(spec), tmp_path) == spec
    assert (spec.window_ms, spec.hop_ms) == (40.0, 5.0)


def test_the_history_holds_the_outputs_of_one_and_two_history_steps_ago(tmp_path):
    spec = tiny_spec(history_hops=3, hop_samples=40)
    decoder = decoder_of(open_model(write_tiny_model(tmp_path / "m.onnx", spec)))
    window = Window(2, 40, 40)

    def decide(value):
        window.append(np.full((40, 2), value), 0)
        return decoder(window)

    outputs = [decide(k) for k in range(1, 10)]
    assert [float(a[2]) for a in outputs] == [40, 40, 40, 1, 2, 3, 4, 5, 6]
    assert [float(a[3]) for a in outputs] == [40] * 6 + [1, 2, 3]
    decoder.reset()
    assert decide(0)[2] == 40


def metadata(**changes):
    fields = msgspec.to_builtins(tiny_spec())
    fields.update(changes)
    return msgspec.json.encode({k: v for k, v in fields.items() if v is not None}).decode()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("not json", "damaged"),
        ("{}", "missing required field"),
        (metadata(fs_hz=-1), "fs_hz"),
        (metadata(fs_hz="fast"), "fs_hz"),
        (metadata(colour="red"), "colour"),
        (metadata(format=2), "format"),
        (metadata(scale_fs=[1.0]), "scale_fs"),
        (metadata(hop_samples=41), "window_samples"),
        (metadata(rest_pose_deg=[200.0] * 5), "rest_pose_deg"),
        (metadata(window_samples=39), "39"),
        (metadata(channels=["a"], scale_fs=[1.0]), "emg"),
        (metadata(history_hops=0), "history"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path, text, word):
    path = write_tiny_model(tmp_path / "m.onnx", metadata=text)
    with pytest.raises(UserError, match=word) as caught:
        open_model(path)
    assert "export" in str(caught.value)


def test_missing_corrupt_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="There is no model"):
        open_model(tmp_path / "none.onnx")
    whole = write_tiny_model(tmp_path / "m.onnx").read_bytes()
    for name, data in (("empty", b""), ("text", b"hello, I am not a model"), ("cut", whole[: len(whole) // 2])):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(data)
        with pytest.raises(UserError, match="not an ONNX model"):
            open_model(path)
    foreign = onnx.load_model_from_string(whole)
    del foreign.metadata_props[:]
    path = tmp_path / "foreign.onnx"
    path.write_bytes(foreign.SerializeToString())
    with pytest.raises(UserError, match=f"no {METADATA_KEY} metadata"):
        open_model(path)
