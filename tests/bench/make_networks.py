"""The networks of `myobridge bench` at other sizes: the notes' shape with weights that mean nothing.

python tests/bench/make_networks.py

They come with the package, so that a machine without torch can measure them; a dense layer of one value packs well.
"""

import tempfile
import zipfile
from pathlib import Path

import torch
from torch import nn

from myobridge.bench.sizes import ALL_CHANNELS, ALL_FS_HZ, ARCHIVE, file_name
from myobridge.model_file import REST_DEG, ModelSpec, usual_hop_samples
from myobridge_models.build import history_hops
from myobridge_models.data import design_prefilter
from myobridge_models.export import export
from myobridge_models.network import CnnMlp
from myobridge_models.receptive import Shape

DATE = (2026, 1, 1, 0, 0, 0)
"""The same bytes on every day."""


def write_network(channels: int, fs_hz: int, path: Path) -> None:
    """A model file of this size."""
    torch.manual_seed(0)
    network = CnnMlp(Shape(fs_hz, channels))
    for layer in network.mlp:
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.weight, 1 / layer.in_features)
    for bias in network.patterns.biases:  # equal ones would become one in the file
        nn.init.uniform_(bias)
    spec = ModelSpec(
        name=path.stem,
        family="cnn_mlp",
        fs_hz=fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, channels + 1)),
        window_samples=network.shape.window_samples,
        hop_samples=usual_hop_samples(fs_hz),
        history_hops=history_hops(fs_hz),
        prefilter_sos=design_prefilter(fs_hz),
        scale_fs=(0.1,) * channels,
        rest_pose_deg=REST_DEG,
    )
    export(network, spec, path)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for fs_hz in ALL_FS_HZ:
            for channels in ALL_CHANNELS:
                path = Path(folder, file_name(channels, fs_hz))
                write_network(channels, fs_hz, path)
                archive.writestr(zipfile.ZipInfo(path.name, DATE), path.read_bytes(), zipfile.ZIP_DEFLATED)
                print(path.name, path.stat().st_size)
    print(ARCHIVE.stat().st_size)


if __name__ == "__main__":
    main()
