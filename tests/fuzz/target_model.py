"""Bytes of a model file → checked metadata, or one sentence.

Metadata that pass can be used: no number makes the filter, the gate or the smoothing fail.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from promises import in_a_sentence

from myobridge.daemon.snapshot import level
from myobridge.decoder.postprocess import Postprocessor
from myobridge.decoder.prefilter import Prefilter
from myobridge.model.check import check_model
from myobridge.model.file import ModelSpec, RestGate, Smoothing, decode_spec, encode_spec
from tiny_model import tiny_spec, write_tiny_model

NAME = Path("model.onnx")
METADATA = 1
RICH = tiny_spec(rest_gate=RestGate(10, 100), smoothing=Smoothing(1, 0.1), training={"people": 1, "note": "x"})


def seeds() -> list[bytes]:
    with TemporaryDirectory() as folder:
        models = [write_tiny_model(Path(folder) / "m.onnx", spec).read_bytes() for spec in (tiny_spec(), RICH)]
    return [*(b"\0" + model for model in models), bytes((METADATA,)) + encode_spec(RICH).encode()]


def fuzz(data: bytes) -> None:
    """The first byte tells whether a whole file or only metadata follow."""
    if data[:1] == bytes((METADATA,)):
        spec = in_a_sentence(decode_spec, data[1:].decode("utf-8", "replace"), NAME)
    else:
        checked = in_a_sentence(check_model, data[1:], NAME)
        spec = checked and checked.spec
    if spec is not None:
        assert isinstance(spec, ModelSpec)
        assert decode_spec(encode_spec(spec), NAME) == spec
        assert np.isfinite(one_hop(spec)).all()


def one_hop(spec: ModelSpec) -> np.ndarray:
    """Angles and levels after one hop at the end of the ADC's range."""
    channels, hop = len(spec.channels), spec.hop_samples
    counts = np.full((hop, channels), 511, np.int16)
    prefilter = Prefilter(spec.prefilter_sos, 1 / (512 * np.array(spec.scale_fs)), hop)
    prefilter.reset(-counts[0])
    postprocess = Postprocessor(spec, (0.0,) * 5, (180.0,) * 5)
    angles = [postprocess((angle,) * 5) for angle in (3e38, -3e38)]
    return np.concatenate([*angles, level(prefilter(counts).T.astype(np.float32))])
