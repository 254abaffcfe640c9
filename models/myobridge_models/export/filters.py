"""The convolutions of a network as matrices of a streaming graph, made from the weights of its windowed graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from myobridge_models.export.graph_builder import GraphBuilder, Rows


def stage_1_filters(graph: onnx.GraphProto) -> tuple[list[str], list[onnx.NodeProto]]:
    """Returns the filters that the windowed graph applies to the EMG, one per detector, and the nodes that make them.

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


def filter_matrix(
    add: GraphBuilder, filters: Sequence[str], taps: Sequence[Rows], length: int, hop: int, *, time_first: bool
) -> str:
    """Makes filters one matrix whose columns are length - 1 + hop samples: (hop·n, ·) or (n·hop, ·).

    Filter n has its weights, in order, at the places taps[n] of its `length`, and zeros between them.
    """
    n, edge = len(filters), hop - 1
    zero = add.constant(np.zeros(1, np.float32))
    weights = add("Concat", zero, *(add.reshape(name, -1) for name in filters), axis=0)
    which = np.zeros((n, length + 2 * edge), np.int64)
    which[np.repeat(np.arange(n), [len(own) for own in taps]), np.concatenate(taps) + edge] = 1
    which[which > 0] = np.arange(1, which.sum() + 1)
    padded = add("Gather", weights, add.constant(which.ravel()))
    start = which.shape[1] * np.arange(n)[:, None] + np.arange(edge, -1, -1)  # (n, hop)
    start = (start.T if time_first else start).reshape(-1, 1)
    return add("Gather", padded, add("Add", add.constant(start), add.constant(np.arange(length + edge))))
