"""Builds an ONNX graph node by node."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class GraphBuilder:
    """Collects nodes in the order of the calls."""

    def __init__(self, nodes: list[onnx.NodeProto]) -> None:
        self._nodes = nodes
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def graph(self, name: str) -> onnx.GraphProto:
        """Returns the graph of everything that was added."""
        return helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)

    def input(self, name: str, *shape: int) -> str:
        """Declares a float input of the graph; returns its name."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name: str, *shape: int) -> None:
        """Declares a float output of the graph."""
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def __call__(self, operator: str, *inputs: str, to: str = "", **attributes: int | list[int]) -> str:
        """Adds a node; returns the name of its output."""
        output = to or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))  # type: ignore[arg-type]
        return output

    def constant(self, values: Floats | Rows) -> str:
        """Adds a constant; returns its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def reshape(self, x: str, *shape: int, to: str = "") -> str:
        """Reshapes x to `shape`."""
        return self("Reshape", x, self.constant(np.array(shape, np.int64)), to=to)

    def rows(self, x: str, rows: Rows, to: str = "") -> str:
        """Gathers rows of x, (n, m) → (*rows.shape, m)."""
        return self("Gather", x, self.constant(rows), axis=0, to=to)

    def part(self, x: str, axis: int, first: int, end: int) -> str:
        """Slices x[first:end] along an axis."""
        return self("Slice", x, *(self.constant(np.array([n], np.int64)) for n in (first, end, axis)))

    def weighted(self, share: Floats, past: str, new: str, new_rows: int) -> str:
        """Multiplies share with all rows of a tape, without a copy that joins the older rows and the new ones."""
        older = self("MatMul", self.constant(share[:, :-new_rows]), past)
        return self("Gemm", self.constant(share[:, -new_rows:]), new, older)
