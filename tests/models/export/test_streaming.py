"""The streaming graph gives the angles of whole windows: at any hop, rate and phase, and after resets and gaps."""

from base64 import b64decode

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from myobridge.decoder.inference import decoder_of
from myobridge.decoder.pipeline import Pipeline, Withheld
from myobridge.decoder.window import Window
from myobridge.model.file import REST_DEG, STREAMING_KEY, ModelSpec
from myobridge.model.load import open_model
from myobridge.model.shipped import shipped_models
from myobridge.settings import Settings
from myobridge.simulator.synth import SynthOptions
from myobridge_models.data.synthetic import record
from myobridge_models.export.export import export
from myobridge_models.network.families.registry import FAMILIES, READINGS, create

TOLERANCE_DEG = 1e-4


def written(folder, fs_hz=2000, channels=4, hop=10, family="cnn_mlp"):
    """Writes a model file in which every weight and bias has an effect."""
    torch.manual_seed(fs_hz + channels + hop)
    network = create(family, fs_hz, channels, 0.0)
    loudness = torch.linspace(0.1, 1, 4)[:, None, None] if family == "cnn_mlp_log" else 1  # its features vary with it
    network.fit_gain(loudness * torch.randn(4, channels, network.shape.window_samples))
    if family.startswith("cnn_mlp"):
        for bias in network.patterns.biases:
            torch.nn.init.uniform_(bias, -0.3, 0.3)
    spec = ModelSpec(
        name="test",
        family=family,
        fs_hz=fs_hz,
        channels=tuple(f"ch{n}" for n in range(channels)),
        window_samples=network.shape.window_samples,
        hop_samples=hop,
        history_hops=3 if network.shape.history_values else 0,
        prefilter_sos=((1, -1, 0, 1, -0.9, 0),),
        scale_fs=(0.1,) * channels,
        rest_pose_deg=REST_DEG,
    )
    path = folder / "model.onnx"
    export(network, spec, path)
    return path


def both(path):
    return open_model(path), open_model(path, windowed=True)


def assert_alike(models, hops, resets=(), tolerance_deg=TOLERANCE_DEG):
    """Feeds noise of at most unit RMS to both decoders, which restart from rest at each reset."""
    spec = models[0].spec
    decoders = [decoder_of(model) for model in models]
    window = Window(len(spec.channels), spec.window_samples, spec.hop_samples)
    rng, angles = np.random.default_rng(0), []
    for hop in range(hops):
        if hop in resets:
            window.reset()
            for decoder in decoders:
                decoder.reset()
        loudness = 0.5 + 0.5 * np.sin(hop * spec.hop_samples / 300)
        window.append(loudness * rng.standard_normal((spec.hop_samples, len(spec.channels))), 0)
        streamed, whole = (decoder(window) for decoder in decoders)
        assert (streamed is None) == (whole is None) == (not window.full)
        if whole is not None:
            assert np.abs(streamed - whole).max() <= tolerance_deg
            angles.append(whole)
    assert np.std(angles, axis=0).mean() > 1  # the angles differ, so the comparison tells something


OF_FAMILY_DEG = {
    "cnn_mlp": TOLERANCE_DEG,
    "cnn_mlp_log": 10 * TOLERANCE_DEG,  # untrained, its answers to a logarithm are several times as steep
}
streaming = pytest.mark.parametrize(("family", "tolerance_deg"), OF_FAMILY_DEG.items())


@streaming
@pytest.mark.parametrize("hop", [1, 3, 7, 10, 15, 33])
def test_any_hop_and_any_phase_of_the_strides(tmp_path, hop, family, tolerance_deg):
    models = both(written(tmp_path, hop=hop, family=family))
    assert_alike(models, hops=802 // hop + 150, tolerance_deg=tolerance_deg)


@streaming
@pytest.mark.parametrize(
    ("fs_hz", "channels", "hop"), [(200, 8, 1), (500, 2, 2), (1000, 8, 5), (4000, 4, 20), (2000, 16, 10)]
)
def test_any_rate_and_number_of_channels(tmp_path, fs_hz, channels, hop, family, tolerance_deg):
    models = both(written(tmp_path, fs_hz, channels, hop, family))
    assert_alike(models, hops=models[0].spec.window_samples // hop + 150, tolerance_deg=tolerance_deg)


@pytest.mark.slow
def test_a_long_run_of_many_channels(tmp_path):
    assert_alike(both(written(tmp_path, channels=32)), hops=3000)


@pytest.mark.parametrize("reading", READINGS)
def test_every_reading_of_the_notes(tmp_path, reading):
    tolerance_deg = OF_FAMILY_DEG[reading.partition("/")[0]]
    assert_alike(both(written(tmp_path, family=reading)), hops=150, tolerance_deg=tolerance_deg)


def test_a_reset_forgets_everything(tmp_path):
    assert_alike(both(written(tmp_path)), hops=400, resets=(5, 95, 96, 200, 311))


def pushed(model, pieces):
    pipeline = Pipeline(model, Settings(), adc_bits=10)
    return [decision for index, counts in pieces for decision in pipeline.push(index, counts)]


def noise(samples, channels=4):
    return np.random.default_rng(1).integers(-50, 50, (samples, channels)).astype(np.int16)


def test_lost_frames_and_long_gaps_in_the_daemons_pipeline(tmp_path):
    counts = noise(9000)
    lost = {frame for frame in range(1800) if frame % 97 == 5} | set(range(700, 900)) | set(range(1400, 1408))
    pieces = [(5 * frame, counts[5 * frame : 5 * frame + 5]) for frame in range(1800) if frame not in lost]
    streamed, whole = (pushed(model, pieces) for model in both(written(tmp_path)))
    assert [d[::3] for d in streamed] == [d[::3] for d in whole]  # where, and why withheld
    assert {d.withheld for d in streamed} == {Withheld.NO, Withheld.WARMING_UP}
    assert sum(d.withheld is Withheld.WARMING_UP for d in streamed) > 2 * 79  # twice from an empty window
    for a, b in zip(streamed, whole, strict=True):
        assert np.allclose(a.raw_deg, b.raw_deg, rtol=0, atol=TOLERANCE_DEG)


def test_decisions_do_not_depend_on_how_samples_are_delivered(tmp_path):
    model, counts = open_model(written(tmp_path)), noise(2000)
    at_once = pushed(model, [(0, counts)])
    assert pushed(model, [(n, counts[n : n + 7]) for n in range(0, 2000, 7)]) == at_once


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_have_a_streaming_graph(name):
    assert open_model(shipped_models()[name]).streaming


def test_a_trained_network_gives_the_same_angles_on_its_emg():
    path = shipped_models()["synth"]
    counts = record(SynthOptions(seed=3), seconds=10).counts
    streamed, whole = (pushed(open_model(path, windowed=windowed), [(0, counts)]) for windowed in (False, True))
    worst_deg = max(
        np.abs(np.subtract(a.raw_deg, b.raw_deg)).max(initial=0) for a, b in zip(streamed, whole, strict=True)
    )
    assert 0 < worst_deg <= TOLERANCE_DEG


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_without_a_streaming_graph_runs_on_windows(tmp_path, family):
    model = open_model(written(tmp_path, fs_hz=500, channels=2, hop=2, family=family))
    assert model.streaming == family.startswith("cnn_mlp")


def test_the_onnx_package_alone_can_assemble_the_streaming_graph(tmp_path):
    path = written(tmp_path)
    file = onnx.load(path)
    text = next(entry.value for entry in file.metadata_props if entry.key == STREAMING_KEY)
    graph = onnx.GraphProto.FromString(b64decode(text))
    graph.initializer.extend(file.graph.initializer)
    whole = onnx.helper.make_model(graph, opset_imports=file.opset_import, ir_version=file.ir_version)
    onnx.checker.check_model(whole, full_check=True)
    session = onnxruntime.InferenceSession(whole.SerializeToString())
    state = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs()}
    emg = np.random.default_rng(0).standard_normal((1000, 4)).astype(np.float32)
    state["history"][:] = 40
    names = [output.name for output in session.get_outputs()]
    for end in range(10, 1001, 10):
        state["emg"] = np.concatenate((state["emg"], emg[end - 10 : end]))[10:]
        outputs = dict(zip(names, session.run(names, state), strict=True))
        for name in names:
            if name != "angles":
                past = state["past_" + name]
                newest = np.concatenate((past.ravel(), outputs[name].ravel()))[-past.size :]
                state["past_" + name] = newest.reshape(past.shape)
    windowed = onnxruntime.InferenceSession(path)
    (whole_window,) = windowed.run(None, {"emg": emg[-802:].T[None], "history": state["history"]})
    assert np.abs(outputs["angles"] - whole_window).max() <= TOLERANCE_DEG


def test_the_streaming_graph_has_no_weights_of_its_own(tmp_path):
    path = written(tmp_path)
    text = next(entry.value for entry in onnx.load(path).metadata_props if entry.key == STREAMING_KEY)
    assert len(text) < 120_000
    own = onnx.GraphProto.FromString(b64decode(text)).initializer
    values = [onnx.numpy_helper.to_array(t).ravel() for t in own if t.data_type == onnx.TensorProto.FLOAT]
    distinct = np.unique(np.concatenate(values))
    assert len(distinct) <= 9  # 0, 1, lengths of means and spans, half and whole swing, silence
