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

from collections.abc import Sequence
from math import gcd

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from myobridge import SERVOS
from myobridge.model.file import PAST
from myobridge_models.export.window_sums import sums_of
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.correlation import SILENCE, Likeness
from myobridge_models.network.families.base import FULL_SWING_DEG

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class _Graph:
    """Collects nodes in the order of the calls; each call returns the name of its output."""

    def __init__(self, nodes: list[onnx.NodeProto]) -> None:
        self.nodes = nodes
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *inputs: str, to: str = "", **attributes: int | list[int]) -> str:
        output = to or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))  # type: ignore[arg-type]
        return output

    def constant(self, values: Floats | Rows) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def reshape(self, x: str, *shape: int, to: str = "") -> str:
        return self("Reshape", x, self.constant(np.array(shape, np.int64)), to=to)

    def rows(self, x: str, rows: Rows, to: str = "") -> str:
        """Gathers rows of x, (n, m) → (*rows.shape, m)."""
        return self("Gather", x, self.constant(rows), axis=0, to=to)

    def part(self, x: str, axis: int, first: int, end: int) -> str:
        """Slices x[first:end] along an axis."""
        return self("Slice", x, *(self.constant(np.array([n], np.int64)) for n in (first, end, axis)))


def streaming_graph(network: CnnMlp, windowed: onnx.GraphProto, hop_samples: int) -> onnx.GraphProto:
    """Builds the graph for hops of this length, with the weights of the exported `windowed` and none of its own."""
    return _Streaming(network, windowed, hop_samples).build()


def _stage_1_filters(graph: onnx.GraphProto) -> tuple[list[str], list[onnx.NodeProto]]:
    """Returns the filters that the windowed graph applies to the EMG, a tensor per detector, and the nodes that make
    them.

    The nodes are copied, not computed here: the last bit of a filter moves an angle by 1e-3 degrees.
    """
    of_emg = {value.name for value in graph.input}
    makers = {}
    filters = []
    for node in graph.node:
        if of_emg.isdisjoint(node.input):
            makers.update(dict.fromkeys(node.output, node))
        else:
            of_emg.update(node.output)
            if node.op_type == "Conv" and node.input[1] in makers:
                filters.append(node.input[1])
    needed = set(filters)
    nodes: list[onnx.NodeProto] = []
    for node in reversed(list(graph.node)):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.insert(0, node)
    return filters, nodes


class _Streaming:
    """Builds the graph stage by stage; lengths are in samples."""

    def __init__(self, network: CnnMlp, windowed: onnx.GraphProto, hop: int) -> None:
        self.network = network
        self.shape = shape = network.shape
        self.hop = hop
        self.strides = np.array([d.stride for d in shape.detectors])
        self.first, self.second = shape.pattern_dilations
        self.field = max(d.receptive_field(shape.fs_hz) for d in shape.detectors)
        reach = (shape.pattern_kernel - 1) * self.second * int(max(self.strides))
        self.pattern_hops = -(-reach // hop)
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.filters, nodes = _stage_1_filters(windowed)
        self.add = _Graph(nodes)

    def build(self) -> onnx.GraphProto:
        self._input("emg", self.field - 1 + self.hop, self.shape.channels)
        if self.shape.history_values:
            self._input("history", 1, self.shape.history_values)
        patterns = self._first_layer(self._stage_1())
        found = self._second_layer(patterns)
        features = [self._means(found) if self.shape.averaged > 1 else self._every_output(found)]
        if self.network.likeness:
            features.append(self._likeness(self.network.likeness))
        self._mlp(features)
        self._output("angles", 1, len(SERVOS))
        return helper.make_graph(self.add.nodes, "streaming", self.inputs, self.outputs, self.add.constants)

    def _input(self, name: str, *shape: int) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def _output(self, name: str, *shape: int) -> None:
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def _band(self, filters: Sequence[str], taps: Sequence[Rows], length: int, *, time_first: bool) -> str:
        """Makes filters one matrix whose columns are length - 1 + hop samples: (hop·n, ·) or (n·hop, ·).

        Filter n has its weights, in order, at the places taps[n] of its `length`, and zeros between them.
        """
        add, n, edge = self.add, len(filters), self.hop - 1
        zero = add.constant(np.zeros(1, np.float32))
        weights = add("Concat", zero, *(add.reshape(name, -1) for name in filters), axis=0)
        which = np.zeros((n, length + 2 * edge), np.int64)
        which[np.repeat(np.arange(n), [len(own) for own in taps]), np.concatenate(taps) + edge] = 1
        which[which > 0] = np.arange(1, which.sum() + 1)
        padded = add("Gather", weights, add.constant(which.ravel()))
        start = which.shape[1] * np.arange(n)[:, None] + np.arange(edge, -1, -1)  # (n, hop)
        start = (start.T if time_first else start).reshape(-1, 1)
        return add("Gather", padded, add("Add", add.constant(start), add.constant(np.arange(length + edge))))

    def _stage_1(self) -> str:
        """Maps emg to (older and new samples, detectors · C) of the first tape."""
        shape, add = self.shape, self.add
        n, channels = len(shape.detectors), shape.channels
        taps = []
        for d in shape.detectors:
            own = d.receptive_field(shape.fs_hz)
            taps.append(np.arange(self.field - own, self.field, d.dilation(shape.fs_hz)))
        band = self._band(self.filters, taps, self.field, time_first=True)
        new = add("MatMul", band, "emg", to="stage_1")
        self._output(new, self.hop * n, channels)
        past = self._input(PAST + new, (shape.pattern_kernel - 1) * self.first * n, channels)
        return add.reshape(add("Concat", past, new, axis=0), -1, n * channels)

    def _first_layer(self, stage_1: str) -> str:
        """Returns (features, detectors, hop, C), the new part of the second tape."""
        shape, add, maps, n = self.shape, self.add, len(self.shape.detectors), self.shape.pattern_features
        weights = [add.part("patterns.weights.0", 0, number, number + 1) for number in range(n)]
        taps = self.first * np.arange(shape.pattern_kernel)
        band = self._band(weights, [taps] * n, int(taps[-1]) + 1, time_first=False)
        bias = add.rows(add.reshape("patterns.biases.0", n, 1), np.repeat(np.arange(n), self.hop))
        found = add.reshape(add("Relu", add("Gemm", band, stage_1, bias)), n, self.hop, maps, shape.channels)
        self._output("patterns", n, maps, self.hop, shape.channels)
        return add("Transpose", found, perm=[0, 2, 1, 3], to="patterns")

    def _second_layer(self, patterns: str) -> str:
        """Returns (detectors · hop · C, features)."""
        shape, add, taps = self.shape, self.add, self.shape.pattern_kernel - 1
        unit = gcd(self.hop, self.second)  # samples that stay together whatever the dilation
        n, width = shape.pattern_features, unit * shape.channels
        units = len(self.strides) * self.hop // unit  # of a feature in a hop
        past = self._input(PAST + patterns, self.pattern_hops * n * units, width)
        if self.hop > self.second:  # older taps reach into this hop too
            past = add("Concat", past, add.reshape(patterns, n * units, width), axis=0)
        back = self.second * np.arange(taps, 0, -1)[:, None, None] * self.strides[:, None]  # (taps, detectors, 1)
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
        self._output(new, maps * self.hop, width)
        past = self._input(PAST + new, hops * maps * self.hop, width)
        back = self.strides[:, None] * np.arange(shape.outputs - 1, -1, -1)  # (detectors, outputs)
        hop, within = np.divmod((hops + 1) * self.hop - 1 - back, self.hop)
        rows = (hop * maps + np.arange(maps)[:, None]) * self.hop + within
        return add.reshape(add.rows(add("Concat", past, new, axis=0), rows), 1, -1)

    def _means(self, found: str) -> str:
        """Returns means of the newest outputs of each detector, (1, detectors · means · C · features)."""
        add, width = self.add, self.shape.channels * self.shape.pattern_features
        of_hop, share = sums_of(self.shape, self.hop)
        new = add("MatMul", add.constant(of_hop), add.reshape(found, -1, width), to="features")
        self._output(new, len(of_hop), width)
        past = self._input(PAST + new, share.shape[1] - len(of_hop), width)
        return add.reshape(self._weighted(share, past, new, len(of_hop)), 1, -1)

    def _weighted(self, share: Floats, past: str, new: str, new_rows: int) -> str:
        """Multiplies share with all rows of a tape, without a copy that joins the older rows and the new ones."""
        older = self.add("MatMul", self.add.constant(share[:, :-new_rows]), past)
        return self.add("Gemm", self.add.constant(share[:, -new_rows:]), new, older)

    def _likeness(self, likeness: Likeness) -> str:
        """Returns the channel correlations, (1, F)."""
        add, channels, values = self.add, self.shape.channels, len(likeness.first)
        unit = gcd(self.hop, *likeness.spans)  # samples that are kept as one mean
        new_units, units = self.hop // unit, likeness.spans[-1] // unit
        now = self.field - 1 + np.arange(self.hop)[:, None]  # in the EMG's tape
        emg = add.reshape("emg", -1)
        newer = add.rows(emg, now * channels + likeness.first)  # (hop, K)
        older = add.rows(emg, (now - likeness.lag) * channels + likeness.second)
        mean = np.repeat(np.eye(new_units, dtype=np.float32), unit, axis=1) / np.float32(unit)
        new = add("MatMul", add.constant(mean), add("Mul", newer, older), to="products")
        self._output(new, new_units, values)
        past = self._input(PAST + new, units - new_units, values)
        of_span = [np.arange(units) >= units - span // unit for span in likeness.spans]
        share = np.array([newest / newest.sum() for newest in of_span], np.float32)  # (spans, units)
        means = add.reshape(self._weighted(share, past, new, new_units), 1, -1)
        product, one, other = (
            add("Gather", means, add.constant(part), axis=1)
            for part in (likeness.product, likeness.one, likeness.other)
        )
        power = add("Add", add("Mul", one, other), add.constant(np.array(SILENCE, np.float32)))
        return add("Div", product, add("Sqrt", power))

    def _mlp(self, features: list[str]) -> None:
        """Adds the MLP, which reads these features and the history in degrees."""
        add = self.add
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
        weight, bias = add.part(f"{layer}.weight", 1, 0, patterns), f"{layer}.bias"
        weight = add.reshape(weight, -1, shape.channels, len(self.strides), shape.pattern_features, shape.means)
        weights = [add.reshape(add("Transpose", weight, perm=[0, 2, 4, 1, 3]), -1, patterns)]
        if features > patterns:
            weights.append(add.part(f"{layer}.weight", 1, patterns, features))
        if shape.history_values:
            swing = add.part(f"{layer}.weight", 1, features, every)  # for a history from -1 to 1
            weights.append(add("Div", swing, add.constant(np.array(FULL_SWING_DEG / 2, np.float32))))
            sums = add("MatMul", swing, add.constant(np.ones((every - features, 1), np.float32)))
            bias = add("Sub", bias, add.reshape(sums, -1))
        return add("Concat", *weights, axis=1), bias
