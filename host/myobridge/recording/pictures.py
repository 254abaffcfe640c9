"""Pictures of a recording: traces with cues, spectra, and the amplitude of each pose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.files import draft, no_pictures
from myobridge.recording.extras import need
from myobridge.recording.open import RecordingFile
from myobridge.recording.stretches import Stretch, stretches
from myobridge.recording.timeline import Samples, cut_at, within_takes
from myobridge.spectrum import frequencies_hz, power_density

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS: Final = 1600
"""Columns of the traces. Each column shows the range of its samples, so that every peak is visible."""
SPECTRUM_SAMPLES: Final = 1024
DPI: Final = 110
MAINS_HZ: Final = {50: "tab:red", 60: "tab:purple"}


def draw(file: RecordingFile, folder: Path) -> list[Path]:
    """Writes the pictures into the folder, and replaces older pictures of the same name; the paths written.

    Raises:
        UserError: matplotlib is not installed, or the folder cannot be written to.
    """
    new_figure = need("matplotlib.figure", "Drawing").Figure
    cued = stretches(file.samples)
    pictures = {"traces": _traces, "spectra": _spectra}
    if cued:
        pictures["amplitudes"] = _amplitudes
    paths = []
    with no_pictures(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, paint in pictures.items():
        figure = new_figure(dpi=DPI, layout="constrained")
        paint(figure, file, cued)
        path = folder / f"{file.path.stem}-{name}.png"
        with draft(path) as half:
            figure.savefig(half)
        paths.append(path)
    return paths


def _traces(figure: Figure, file: RecordingFile, cued: list[Stretch]) -> None:
    recording = file.samples
    figure.set_size_inches(14, 1.2 + 1.1 * recording.channels)
    all_axes = np.atleast_1d(figure.subplots(recording.channels, sharex=True))
    edges = np.unique(np.linspace(0, recording.timeline.samples, COLUMNS, endpoint=False).astype(int))
    low, high = _ranges(recording, edges)
    at_s = edges / recording.fs_hz
    for k, axes in enumerate(all_axes):
        axes.fill_between(at_s, low[:, k], high[:, k], step="post", color="black", linewidth=0.4)
        axes.set_ylabel(_plain(file.channel_names[k]), rotation=0, ha="right", va="center")
        axes.margins(x=0)
        for stretch in cued:
            if stretch.label:
                span_s = stretch.start / recording.fs_hz, stretch.stop / recording.fs_hz
                axes.axvspan(*span_s, color=f"C{stretch.label % 10}", alpha=0.25, linewidth=0, zorder=0)
        for take in [*recording.timeline.takes()][1:]:
            axes.axvline(take.start / recording.fs_hz, color="tab:red", linestyle=":", linewidth=1)
    _name_poses(all_axes[0], cued, recording.fs_hz)
    all_axes[-1].set_xlabel("s (takes laid end to end, a dotted line between them)")
    figure.suptitle(f"{_plain(file.path.name)}: ADC counts", fontsize="medium")


def _ranges(recording: Samples, edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The smallest and the largest count from each edge to the next, (edges, channels) each."""
    low = np.full((len(edges), recording.channels), 1 << 15)
    high = -low
    column = -1
    for row, part in cut_at([*edges[1:].tolist(), recording.timeline.samples], recording.blocks()):
        column += column + 1 < len(edges) and row == edges[column + 1]
        low[column] = np.minimum(low[column], part.min(axis=0))
        high[column] = np.maximum(high[column], part.max(axis=0))
    return low, high


def _name_poses(axes: Axes, cued: list[Stretch], fs_hz: float) -> None:
    """Writes each pose's name above its first stretch."""
    named: set[int] = set()
    for stretch in cued:
        if stretch.label and stretch.label not in named:
            named.add(stretch.label)
            place = stretch.start / fs_hz, 1.05
            axes.text(*place, _plain(stretch.pose), transform=axes.get_xaxis_transform(), fontsize="small", rotation=30)


def _spectra(figure: Figure, file: RecordingFile, _cued: list[Stretch]) -> None:
    figure.set_size_inches(10, 5)
    axes = figure.subplots()
    frequencies_hz, density = power_spectrum(file)
    for k, name in enumerate(file.channel_names):
        axes.plot(frequencies_hz[1:], 10 * np.log10(density[1:, k] + 1e-9), linewidth=0.9, label=_plain(name))
    for mains_hz, colour in MAINS_HZ.items():
        for multiple in range(1, 4):
            if mains_hz * multiple < frequencies_hz[-1]:
                axes.axvline(mains_hz * multiple, color=colour, linestyle=":", linewidth=1.2, zorder=0)
        axes.plot([], [], color=colour, linestyle=":", label=f"{mains_hz} Hz and multiples")
    axes.set(
        xlabel="Hz",
        ylabel="dB re 1 count²/Hz",
        title=f"{_plain(file.path.name)}: spectra",
        xlim=(0, frequencies_hz[-1]),
    )
    axes.legend(fontsize="small", ncols=2)


def power_spectrum(file: RecordingFile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz (bins,) and density in counts²/Hz (bins, channels): Welch's mean over all takes."""
    recording = file.samples
    length = min(SPECTRUM_SAMPLES, max(take.stop - take.start for take in recording.timeline.takes()))
    total, segments = np.zeros((length // 2 + 1, recording.channels)), 0
    for _, counts in within_takes(recording, length):
        total += power_density(counts, recording.fs_hz)
        segments += 1
    return frequencies_hz(length, recording.fs_hz), total / segments


def _amplitudes(figure: Figure, file: RecordingFile, cued: list[Stretch]) -> None:
    recording = file.samples
    rows: dict[tuple[int, str], list[NDArray[np.float64]]] = {}
    for stretch, deviation in zip(cued, _deviations(recording, cued), strict=True):
        rows.setdefault((stretch.label, stretch.pose), []).append(deviation)
    keys = sorted(rows)
    rms = np.array([np.mean(rows[key], axis=0) for key in keys])
    figure.set_size_inches(2.5 + 0.8 * recording.channels, 1.5 + 0.4 * len(keys))
    axes = figure.subplots()
    image = axes.imshow(rms, aspect="auto", cmap="viridis")
    axes.set_xticks(range(recording.channels), [_plain(name) for name in file.channel_names], rotation=30, ha="right")
    axes.set_yticks(range(len(keys)), [_plain(pose) for _, pose in keys])
    axes.set_title(f"{_plain(file.path.name)}: RMS", fontsize="medium")
    figure.colorbar(image, label="counts")


def _deviations(recording: Samples, cued: list[Stretch]) -> NDArray[np.float64]:
    """Standard deviation of the counts in each stretch, (stretches, channels)."""
    total, square = np.zeros((2, len(cued), recording.channels))
    at = 0
    for row, part in cut_at([stretch.stop for stretch in cued], recording.blocks()):
        at += row == cued[at].stop
        total[at] += part.sum(axis=0, dtype=np.float64)
        square[at] += np.square(part, dtype=np.float64).sum(axis=0)
    length = np.array([stretch.stop - stretch.start for stretch in cued])[:, None]
    spread: NDArray[np.float64] = np.sqrt(np.maximum(0, square / length - (total / length) ** 2))
    return spread


def _plain(text: str) -> str:
    """Text for matplotlib, which would read a dollar sign in a name as the beginning of mathematics."""
    return text.replace("$", r"\$")[:40]
