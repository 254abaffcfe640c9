"""Makes the networks of `myobridge bench`: other sizes of the notes' network, with meaningless weights.

python tests/bench/make_networks.py

The package contains them, so that a machine without torch can measure them. Dense layers of one value compress well.
"""

import tempfile
import zipfile
from pathlib import Path

import torch
from torch import nn

from myobridge.bench.sizes import ALL_CHANNELS, ALL_FS_HZ, ARCHIVE, file_name
from myobridge_models.experiments.untrained import write_untrained
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.shape import Shape

DATE = (2026, 1, 1, 0, 0, 0)
"""Makes the archive the same on every day."""


def write_network(channels: int, fs_hz: int, path: Path) -> None:
    """Writes a model file of this size."""
    torch.manual_seed(0)
    network = CnnMlp(Shape(fs_hz, channels))
    for layer in network.mlp:
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.weight, 1 / layer.in_features)
    write_untrained(network, path)


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
