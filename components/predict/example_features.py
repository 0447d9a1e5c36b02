"""Which features a graph parses out of serialized tf.Examples, by its own constants. Pure.

The operation ParseExampleV2 has the names as constants, the types as attributes, and for each dense
feature a default, which is empty where a value is needed. Source: TensorFlow,
core/ops/parsing_ops.cc.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Input

PARSE = "ParseExampleV2"
DTYPES = {1: np.dtype(np.float32), 7: np.dtype(object), 9: np.dtype(np.int64)}
"""Numbers of TensorFlow's types -> those that a tf.Example has."""
SPARSE, DENSE, RAGGED, DEFAULTS = 2, 3, 4, 5
"""Places of inputs of the operation."""


def _bodies(graph: Any) -> Iterator[list[Any]]:
    yield list(graph.node)
    yield from (list(function.node_def) for function in graph.library.function)


def _tensor(name: str, nodes: Mapping[str, Any]) -> Any:
    """Return the constant that an input is, None where it is none."""
    node = nodes.get(name.partition(":")[0].removeprefix("^"))
    return node.attr["value"].tensor if node is not None and node.op == "Const" else None


def _names(name: str, nodes: Mapping[str, Any]) -> list[str]:
    tensor = _tensor(name, nodes)
    return [] if tensor is None else [value.decode() for value in tensor.string_val]


def _is_empty(tensor: Any) -> bool:
    return tensor is not None and any(dim.size == 0 for dim in tensor.tensor_shape.dim)


def _parsed(node: Any, nodes: Mapping[str, Any]) -> Iterator[tuple[str, Input]]:
    dense = _names(node.input[DENSE], nodes)
    types = list(node.attr["Tdense"].list.type)
    needed = [_is_empty(_tensor(default, nodes)) for default in node.input[DEFAULTS:]]
    described = list(zip(dense, types, needed, strict=False))
    for place, kind in ((SPARSE, "sparse_types"), (RAGGED, "ragged_value_types")):
        several = list(node.attr[kind].list.type)
        described += [
            (n, t, False) for n, t in zip(_names(node.input[place], nodes), several, strict=False)
        ]
    for name, number, required in described:
        if number in DTYPES:
            yield name, Input(dtype=DTYPES[number], shape=None, required=required)


def features(graph: Any) -> dict[str, Input]:
    """Return name -> feature for all that a graph parses; none where it does so in another way.

    Args:
        graph: GraphDef of a loaded signature, with the functions that it calls.
    """
    return {
        name: feature
        for nodes in _bodies(graph)
        for node in nodes
        if node.op == PARSE
        for name, feature in _parsed(node, {each.name: each for each in nodes})
    }
