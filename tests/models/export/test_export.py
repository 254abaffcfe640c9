"""An exported file gives torch's angles in onnxruntime, and carries all its metadata."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from myobridge.errors import UserError
from myobridge.model.file import METADATA_KEY, ModelSpec, Smoothing, decode_spec
from myobridge_models.experiments.untrained import write_untrained
from myobridge_models.export.export import export
from myobridge_models.export.restore import restore
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.shape import Shape


def spec_for(shape: Shape) -> ModelSpec:
    return ModelSpec(
        name="test",
        family="cnn_mlp",
        fs_hz=shape.fs_hz,
        channels=tuple(f"ch{n}" for n in range(shape.channels)),
        window_samples=shape.window_samples,
        hop_samples=round(shape.fs_hz * 0.005),
        history_hops=10,
        prefilter_sos=((1, -1, 0, 1, -0.9, 0),),
        scale_fs=(0.01,) * shape.channels,
        rest_pose_deg=(40, 40, 40, 40, 40),
        smoothing=Smoothing(1.0, 0.1),
        training={"seed": 1},
    )


@pytest.mark.parametrize("fs_hz", [500, 1000, 2000, 4000])
@pytest.mark.parametrize("channels", [2, 4, 8])
def test_onnxruntime_agrees_with_torch_to_a_thousandth_of_a_degree(tmp_path, fs_hz, channels):
    torch.manual_seed(fs_hz + channels)
    shape = Shape(fs_hz, channels)
    network = CnnMlp(shape)
    path = tmp_path / "model.onnx"
    export(network, spec_for(shape), path)
    session = onnxruntime.InferenceSession(path)
    network.eval()
    for batch in (1, 7):
        emg = torch.randn(batch, channels, shape.window_samples)
        history = 180 * torch.rand(batch, 10)
        (angles,) = session.run(["angles"], {"emg": emg.numpy(), "history": history.numpy()})
        with torch.no_grad():
            expected = network(emg, history).numpy()
        assert np.abs(angles - expected).max() <= 1e-3
        assert angles.std() > 0.1  # the angles differ, so the comparison tells something


def test_metadata_is_read_back_unchanged(tmp_path):
    shape = Shape(2000, 4)
    path = tmp_path / "model.onnx"
    export(CnnMlp(shape), spec_for(shape), path)
    metadata = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    assert decode_spec(metadata[METADATA_KEY], path) == spec_for(shape)


def test_the_file_is_self_contained_with_plain_operators(tmp_path):
    shape = Shape(2000, 4)
    path = tmp_path / "model.onnx"
    export(CnnMlp(shape), spec_for(shape), path)
    model = onnx.load(path, load_external_data=False)
    assert {node.domain for node in model.graph.node} == {""}
    assert all(t.data_location == onnx.TensorProto.DEFAULT for t in model.graph.initializer)
    assert [i.name for i in model.graph.input] == ["emg", "history"]
    assert [i.type.tensor_type.shape.dim[0].dim_param for i in model.graph.input] == ["batch", "batch"]
    assert path.stat().st_size < 2_000_000


def test_metadata_of_another_network_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"\(2000, 4, 802\) and the network for \(2000, 2, 802\)"):
        export(CnnMlp(Shape(2000, 2)), spec_for(Shape(2000, 4)), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_path_is_refused_in_one_sentence(tmp_path):
    shape = Shape(2000, 2)
    with pytest.raises(UserError, match=r"model\.onnx cannot be written \(No such file or directory\)"):
        export(CnnMlp(shape), spec_for(shape), tmp_path / "missing" / "model.onnx")


def test_equal_weights_keep_their_own_names(tmp_path):
    network = CnnMlp(Shape(2000, 2))  # its biases are all zeros
    write_untrained(network, tmp_path / "u.onnx")
    again, _ = restore(tmp_path / "u.onnx", 0.0)
    for name, weight in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name
