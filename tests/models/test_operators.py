"""The operators that the runtime lets pass are those that the exports of our families use, and no others."""

import onnx

from myobridge.model_check import OPERATORS
from myobridge_models.export import _graph
from myobridge_models.families.registry import FAMILIES, create


def test_the_operators_are_those_that_our_families_use_and_no_others():
    graphs = [onnx.load_model_from_string(_graph(create(family, 500, 2, 0.0))).graph for family in FAMILIES]
    assert {node.op_type for graph in graphs for node in graph.node} == OPERATORS
