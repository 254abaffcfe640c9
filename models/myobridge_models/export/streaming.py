"""The streaming graph of the notes' network: it takes a hop's new samples and returns angles and the state to keep.

Both stages are causal convolutions, so a hop of h samples adds h values to each of their maps and leaves the older
values unchanged. Four tapes keep the values that later hops need again:

    stage_1   (h · detectors, C)              the action-potential detectors
    patterns  (features, detectors, h, C)     the first layer of stage 2
    features  (rows, C · features)            its second layer: each (detector, sample), or sums for the MLP's means
    products  (units, K)                      the products of `correlation`, as means of units (mostly the whole hop)

Stage 2 of stride s reads a grid that ends at the newest sample, so each hop may need another phase of it. The tapes
therefore keep stage 2's maps at every sample, and strides only select where the second layer and the MLP read: stride s
equals a second layer with s times longer dilation, read at every s-th sample (`CnnMlp.features_at`).

The graph consists of few, large nodes, because onnxruntime takes one to two microseconds per node. Nodes that only move
weights run once, when the file is loaded. `myobridge.model.file` describes inputs and outputs.
"""

from __future__ import annotations

from math import gcd

import numpy as np
import onnx
from torch import nn

from myobridge import SERVOS
from myobridge.model.file import PAST
from myobridge_models.export.filters import filter_matrix, stage_1_filters
from myobridge_models.export.graph_builder import GraphBuilder, Rows
from myobridge_models.export.window_sums import window_sums
from myobridge_models.network.channel_power import ChannelPower
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.correlation import SILENCE, ChannelCorrelation
from myobridge_models.network.families.base import FULL_SWING_DEG
from myobridge_models.network.log_cnn_mlp import LogCnnMlp


def streaming_graph(network: CnnMlp, windowed: onnx.GraphProto, hop_samples: int) -> onnx.GraphProto:
    """Builds the graph for hops of this length, with the weights of the exported `windowed` and none of its own."""
    return _Streaming(network, windowed, hop_samples).build()


class _Streaming:
    """Builds the graph stage by stage; lengths are in samples."""

    def __init__(self, network: CnnMlp, windowed: onnx.GraphProto, hop: int) -> None:
        self.network = network
        self.shape = shape = network.shape
        self.hop = hop
        self.strides = np.array([shape.stride(d) for d in shape.detectors])
        (self.first,) = {shape.dilations(d)[0] for d in shape.detectors}
        self.second = self.strides * [shape.dilations(d)[1] for d in shape.detectors]  # in samples
        self.field = max(d.receptive_field(shape.fs_hz) for d in shape.detectors)
        self.pattern_hops = -(-(shape.pattern_kernel - 1) * int(max(self.second)) // hop)
        self.filters, nodes = stage_1_filters(windowed)
        self.add = GraphBuilder(nodes)

    def build(self) -> onnx.GraphProto:
        self.add.input("emg", self.field - 1 + self.hop, self.shape.channels)
        if self.shape.history_values:
            self.add.input("history", 1, self.shape.history_values)
        patterns = self._first_layer(self._stage_1())
        found = self._second_layer(patterns)
        features = [self._means(found) if self.shape.averaged > 1 else self._every_output(found)]
        if self.network.correlation:
            features.append(self._correlation(self.network.correlation))
        self._mlp(features)
        self.add.output("angles", 1, len(SERVOS))
        return self.add.graph("streaming")

    def _stage_1(self) -> str:
        """Maps emg to (older and new samples, detectors · C) of the first tape."""
        shape, add = self.shape, self.add
        n, channels = len(shape.detectors), shape.channels
        taps = []
        for d in shape.detectors:
            own = d.receptive_field(shape.fs_hz)
            taps.append(np.arange(self.field - own, self.field, d.dilation(shape.fs_hz)))
        filters = filter_matrix(add, self.filters, taps, self.field, self.hop, time_first=True)
        new = add("MatMul", filters, "emg", to="stage_1")
        self.add.output(new, self.hop * n, channels)
        past = self.add.input(PAST + new, (shape.pattern_kernel - 1) * self.first * n, channels)
        return add.reshape(add("Concat", past, new, axis=0), -1, n * channels)

    def _first_layer(self, stage_1: str) -> str:
        """Returns (features, detectors, hop, C), the new part of the second tape."""
        shape, add, maps, n = self.shape, self.add, len(self.shape.detectors), self.shape.pattern_features
        weights = [add.part("patterns.weights.0", 0, number, number + 1) for number in range(n)]
        taps = self.first * np.arange(shape.pattern_kernel)
        filters = filter_matrix(add, weights, [taps] * n, int(taps[-1]) + 1, self.hop, time_first=False)
        bias = add.rows(add.reshape("patterns.biases.0", n, 1), np.repeat(np.arange(n), self.hop))
        found = add.reshape(add("Relu", add("Gemm", filters, stage_1, bias)), n, self.hop, maps, shape.channels)
        self.add.output("patterns", n, maps, self.hop, shape.channels)
        return add("Transpose", found, perm=[0, 2, 1, 3], to="patterns")

    def _second_layer(self, patterns: str) -> str:
        """Returns (detectors · hop · C, features)."""
        shape, add, taps = self.shape, self.add, self.shape.pattern_kernel - 1
        unit = gcd(self.hop, *self.second.tolist())  # samples that stay together whatever the dilation
        n, width = shape.pattern_features, unit * shape.channels
        units = len(self.strides) * self.hop // unit  # of a feature in a hop
        past = self.add.input(PAST + patterns, self.pattern_hops * n * units, width)
        if self.hop > min(self.second):  # older taps reach into this hop too
            past = add("Concat", past, add.reshape(patterns, n * units, width), axis=0)
        back = np.arange(taps, 0, -1)[:, None, None] * self.second[:, None]  # (taps, detectors, 1)
        sample = self.pattern_hops * self.hop - back + np.arange(0, self.hop, unit)  # (taps, detectors, units)
        feature, detector = np.arange(n)[:, None, None, None], np.arange(len(self.strides))[:, None]
        older = add.rows(past, self._row(sample, feature, detector, unit).reshape(n, taps, units))
        newest = add.reshape(patterns, n, 1, units, width)
        every = add("Concat", older, newest, axis=1)  # (features, taps, units, width)
        weight, bias = add.reshape("patterns.weights.1", n, -1), add.reshape("patterns.biases.1", n)
        every = add.reshape(every, n * (taps + 1), -1)
        return add("Relu", add("Gemm", every, weight, bias, transA=1, transB=1))

    def _row(self, sample: Rows, feature: Rows, detector: Rows, unit: int) -> Rows:
        """Returns the row in a tape (hops, features, detectors, hop / unit) of the units that begin at `sample`."""
        hop, within = np.divmod(sample, self.hop)
        maps = (hop * self.shape.pattern_features + feature) * len(self.strides) + detector
        row: Rows = maps * (self.hop // unit) + within // unit
        return row

    def _every_output(self, found: str) -> str:
        """Returns the newest outputs of each detector, (1, detectors · outputs · C · features)."""
        shape, add, maps = self.shape, self.add, len(self.strides)
        width = shape.channels * shape.pattern_features
        hops = max(1, -(-(shape.outputs - 1) * int(max(self.strides)) // self.hop))
        new = add.reshape(found, -1, width, to="features")
        self.add.output(new, maps * self.hop, width)
        past = self.add.input(PAST + new, hops * maps * self.hop, width)
        back = self.strides[:, None] * np.arange(shape.outputs - 1, -1, -1)  # (detectors, outputs)
        hop, within = np.divmod((hops + 1) * self.hop - 1 - back, self.hop)
        rows = (hop * maps + np.arange(maps)[:, None]) * self.hop + within
        return add.reshape(add.rows(add("Concat", past, new, axis=0), rows), 1, -1)

    def _means(self, found: str) -> str:
        """Returns means of the newest outputs of each detector, (1, detectors · means · C · features)."""
        add, width = self.add, self.shape.channels * self.shape.pattern_features
        of_hop, share = window_sums(self.shape, self.hop)
        new = add("MatMul", add.constant(of_hop), add.reshape(found, -1, width), to="features")
        self.add.output(new, len(of_hop), width)
        past = self.add.input(PAST + new, share.shape[1] - len(of_hop), width)
        return add.reshape(self.add.weighted(share, past, new, len(of_hop)), 1, -1)

    def _correlation(self, correlation: ChannelCorrelation) -> str:
        """Returns the channel correlations, (1, F)."""
        add, channels, values = self.add, self.shape.channels, len(correlation.first)
        unit = gcd(self.hop, *correlation.spans)  # samples that are kept as one mean
        new_units, units = self.hop // unit, correlation.spans[-1] // unit
        now = self.field - 1 + np.arange(self.hop)[:, None]  # in the EMG's tape
        emg = add.reshape("emg", -1)
        newer = add.rows(emg, now * channels + correlation.first)  # (hop, K)
        older = add.rows(emg, (now - correlation.lag) * channels + correlation.second)
        mean = np.repeat(np.eye(new_units, dtype=np.float32), unit, axis=1) / np.float32(unit)
        if isinstance(correlation, ChannelPower):
            older = add("Mul", older, add.constant(correlation.sign.astype(np.float32)))
            newer = older = add("Add", newer, older)
        new = add("MatMul", add.constant(mean), add("Mul", newer, older), to="products")
        self.add.output(new, new_units, values)
        past = self.add.input(PAST + new, units - new_units, values)
        of_span = [np.arange(units) >= units - span // unit for span in correlation.spans]
        share = np.array([newest / newest.sum() for newest in of_span], np.float32)  # (spans, units)
        means = add.reshape(self.add.weighted(share, past, new, new_units), 1, -1)
        if isinstance(correlation, ChannelPower):
            return means
        product, one, other = (
            add("Gather", means, add.constant(part), axis=1)
            for part in (correlation.product, correlation.one, correlation.other)
        )
        power = add("Add", add("Mul", one, other), add.constant(np.array(SILENCE, np.float32)))
        return add("Div", product, add("Sqrt", power))

    def _mlp(self, features: list[str]) -> None:
        """Adds the MLP, which reads these features and the history in degrees."""
        add = self.add
        if isinstance(self.network, LogCnnMlp):
            floor = add.constant(self.network.floor.numpy())
            features = [add("Log", add("Add", add("Concat", *features, axis=1), floor))]
        read = [*features, "history"] if self.shape.history_values else features
        x = add("Concat", *read, axis=1) if len(read) > 1 else read[0]
        dense = [f"mlp.{name}" for name, layer in self.network.mlp.named_children() if isinstance(layer, nn.Linear)]
        for layer in dense:
            weight, bias = self._first_dense(layer) if layer == dense[0] else (f"{layer}.weight", f"{layer}.bias")
            x = add("Gemm", x, weight, bias, transB=1)
            x = add("Relu", x) if layer != dense[-1] else add("Sigmoid", x)
        add("Mul", x, add.constant(np.array(FULL_SWING_DEG, np.float32)), to="angles")

    def _first_dense(self, layer: str) -> tuple[str, str]:
        """Returns weight and bias for patterns in the order of `_means`, correlations, and a history in degrees."""
        shape, add = self.shape, self.add
        patterns, features, every = shape.pattern_values, shape.feature_values, shape.dense_sizes[0]
        whole, bias = f"{layer}.weight", f"{layer}.bias"
        if isinstance(self.network, LogCnnMlp):
            whole, bias = self._of_logs(layer)
        weight = add.part(whole, 1, 0, patterns)
        weight = add.reshape(weight, -1, shape.channels, len(self.strides), shape.pattern_features, shape.means)
        weights = [add.reshape(add("Transpose", weight, perm=[0, 2, 4, 1, 3]), -1, patterns)]
        if features > patterns:
            weights.append(add.part(whole, 1, patterns, features))
        if shape.history_values:
            swing = add.part(f"{layer}.weight", 1, features, every)  # for a history from -1 to 1
            weights.append(add("Div", swing, add.constant(np.array(FULL_SWING_DEG / 2, np.float32))))
            sums = add("MatMul", swing, add.constant(np.ones((every - features, 1), np.float32)))
            bias = add("Sub", bias, add.reshape(sums, -1))
        return add("Concat", *weights, axis=1), bias

    def _of_logs(self, layer: str) -> tuple[str, str]:
        """Returns weight (·, F) and bias for logarithms as they are, with neither centre nor spread applied."""
        add = self.add
        weight = add("Div", add.part(f"{layer}.weight", 1, 0, self.shape.feature_values), "spread")
        shift = add("MatMul", weight, add.reshape("centre", -1, 1))
        return weight, add("Sub", f"{layer}.bias", add.reshape(shift, -1))
