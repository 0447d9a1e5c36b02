"""What a signature of a SavedModel takes, and what stands for a missing value in it. Pure.

Rule: the steps and the servers read a signature through this module alone, so that a row means
the same to all of them. It asks signatures for their attributes and needs no TensorFlow.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.artifacts import private_tensorflow

Array = np.ndarray[Any, Any]
OPTIONAL_INPUTS = "kanaria_optional_inputs"
"""Attribute of a model that `export_model` wrote: a function that returns the names of the inputs
of `serving_default` whose values may be missing."""
PARSERS = ("ParseExample", "ParseSingleExample", "DecodeProto")
"""How the names of the operations begin that read serialized tf.Examples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One named input of a signature.

    Attributes:
        dtype: numpy type; object for text.
        shape: with the batch first and None for a free size; None when the rank is free too.
        required: whether a row without a value of it is refused.
    """

    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None
    required: bool = True

    def row_size(self) -> int | None:
        """Return how many values a row has, None where a size is free."""
        size = 1
        for part in (None,) if self.shape is None else self.shape[1:]:
            if part is None:
                return None
            size *= part
        return size


Inputs = Mapping[str, Input]


def missing_value(dtype: np.dtype[Any]) -> Any:
    """Return what stands for a missing value: "", NaN, false, or the smallest integer."""
    if dtype.kind == "O":
        return b""
    if dtype.kind == "b":
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else np.nan


def shape_of(spec: Any) -> tuple[int | None, ...] | None:
    """Return the shape of a TensorSpec, None when its rank is free."""
    return None if spec.shape.rank is None else tuple(spec.shape.as_list())


def specs_of(signature: Any) -> dict[str, Any]:
    """Return the inputs of a SavedModel's signature, each with a dtype and a shape, by name.

    Args:
        signature: loaded by `tf.saved_model.load`.
    """
    names = private_tensorflow.argument_names(signature)
    return dict(zip(names, signature.inputs[: len(names)], strict=True))


def inputs_of(signature: Any, optional: Collection[str] | None = None) -> dict[str, Input]:
    """Return what the named inputs of a SavedModel's signature take.

    Args:
        signature: loaded by `tf.saved_model.load`.
        optional: names of the inputs that may be missing; None where the model does not say.
    """
    return {
        name: Input(
            dtype=np.dtype(spec.dtype.as_numpy_dtype),
            shape=shape_of(spec),
            required=optional is not None and name not in optional,
        )
        for name, spec in specs_of(signature).items()
    }


def optional_inputs(model: Any) -> frozenset[str] | None:
    """Return the inputs that may be missing, None where the loaded model does not say."""
    tell = getattr(model, OPTIONAL_INPUTS, None)
    return None if tell is None else frozenset(name.decode() for name in tell().numpy())


def _operations(graph: Any) -> Iterator[str]:
    """Yield the operations of a graph and of the functions that it reaches."""
    functions = {function.signature.name: function for function in graph.library.function}
    waiting, reached = [list(graph.node)], set[str]()
    while waiting:
        for node in waiting.pop():
            yield node.op
            named = [value.func.name for value in node.attr.values() if value.HasField("func")]
            new = {name for name in (*named, node.op) if name in functions} - reached
            reached |= new
            waiting += [list(functions[name].node_def) for name in new]


def parses_examples(signature: Any) -> bool:
    """Tell whether the graph of a loaded signature reads serialized tf.Examples."""
    operations = _operations(signature.graph.as_graph_def())
    return any(operation.startswith(PARSERS) for operation in operations)


def takes_examples(inputs: Inputs, columns: Collection[str], parses: bool) -> bool:
    """Tell whether a signature's one input is serialized tf.Examples, and no column.

    The graph decides: an input of text that it parses takes tf.Examples, whatever columns there
    are. Where no operation of TensorFlow's own parses it, one that bears no column's name does.

    Args:
        inputs: of the signature.
        columns: names of the columns of the data.
        parses: whether the graph parses tf.Examples.
    """
    if [(item.dtype.kind, len(item.shape or ())) for item in inputs.values()] != [("O", 1)]:
        return False
    return parses or next(iter(inputs)) not in columns


def with_missing(present: Array, has: NDArray[np.bool_], wanted: Input) -> Array:
    """Return rows of which some have no value, with the mark of missing in these.

    Args:
        present: values of the rows that have some, shape (has.sum(), ...).
        has: which rows these are, shape (rows,).
        wanted: the input they are for.
    """
    if has.all():
        return present
    filled = np.full((len(has), *present.shape[1:]), missing_value(wanted.dtype), wanted.dtype)
    filled[has] = present
    return filled
