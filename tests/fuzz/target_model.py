"""A model file's bytes → metadata whose graph onnxruntime would be given, or a sentence."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from promises import in_a_sentence

from myobridge.model_check import check_model
from myobridge.model_file import ModelSpec, RestGate, Smoothing, decode_spec, encode_spec
from tiny_model import tiny_spec, write_tiny_model

NAME = Path("model.onnx")
METADATA = 1
RICH = tiny_spec(rest_gate=RestGate(10, 100), smoothing=Smoothing(1, 0.1), training={"people": 1, "note": "x"})


def seeds() -> list[bytes]:
    with TemporaryDirectory() as folder:
        models = [write_tiny_model(Path(folder) / "m.onnx", spec).read_bytes() for spec in (tiny_spec(), RICH)]
    return [*(b"\0" + model for model in models), bytes((METADATA,)) + encode_spec(RICH).encode()]


def fuzz(data: bytes) -> None:
    """The first byte says whether a whole file follows or metadata only."""
    if data[:1] == bytes((METADATA,)):
        spec = in_a_sentence(decode_spec, data[1:].decode("utf-8", "replace"), NAME)
    else:
        checked = in_a_sentence(check_model, data[1:], NAME)
        spec = checked and checked.spec
    if spec is not None:
        assert isinstance(spec, ModelSpec)
        assert decode_spec(encode_spec(spec), NAME) == spec
