"""What a pass computes, as a digest: equal digests of equal rows give equal states.

It is made of the graph of the pass and of the values that the graph takes from outside, not of the
module's text: a comment or another training function changes nothing. TensorFlow numbers its
functions through a process, so their names do not count, their bodies do.
"""

import hashlib
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.engines.accumulate import Accumulator
from kanaria.components.transform import private_tft

FIND, SIZE = "LookupTableFindV2", "LookupTableSizeV2"
FILLED = {"InitializeTableV2", "LookupTableImportV2"}
"""Operations that fill a table with what stands in the graph."""
VARIABLES = {"ReadVariableOp", "ResourceGather"}
CALLS = {"Assert", "If", "Print", "PrintV2", "StatefulPartitionedCall", "While"}
HARMLESS = {FIND, SIZE} | FILLED | VARIABLES | CALLS
"""Operations with a state that is told here, or with none but an effect."""
UNTOLD = ("MatchingFiles", "PyFuncStateless", "ReadFile")
"""Operations whose results depend on more than their inputs, though TensorFlow says none."""
NUMBERED = "_gradient_op_type"
"""Attribute that TensorFlow numbers through a process."""


class UntoldError(Exception):
    """What the graph computes depends on more than can be told; `str` says on what."""


def of(run: Any, accumulators: Sequence[Accumulator]) -> str:
    """Return the digest of a traced pass and of what is accumulated, 64 hexadecimal digits.

    Args:
        run: the pass as a traced function, pruned to what it needs.
        accumulators: what is made of its outputs.

    Raises:
        UntoldError: it calls Python, reads files, draws numbers, keeps a state of its own, or a
            combiner is a user's own.
    """
    for one in accumulators:
        _check_combiner(getattr(one, "combiner", None))
    written = run.graph.as_graph_def()
    library = {function.signature.name: function for function in written.library.function}
    accumulator_digests = [
        hashlib.sha256(pickle.dumps(one, protocol=4)).hexdigest() for one in accumulators
    ]
    computed = _Bodies(library).of_nodes(written.node)
    return fingerprint.of_text(computed, *_captured(run.graph), *accumulator_digests)


def _check_combiner(combiner: Any) -> None:
    """Check that its code is that of the libraries, whose versions are known."""
    if combiner is not None and not type(combiner).__module__.startswith("tensorflow_transform."):
        raise UntoldError(f"it has a combiner of its own, {type(combiner).__name__}")


class _Bodies:
    """Digests of nodes, in which functions stand for their bodies."""

    def __init__(self, library: Mapping[str, Any]) -> None:
        self._library = library
        self._digests: dict[str, str] = {}

    def of_nodes(self, nodes: Iterable[Any]) -> str:
        ordered = sorted(nodes, key=lambda node: node.name)
        return fingerprint.of_text(*[self._of_node(node) for node in ordered])

    def _of_node(self, node: Any) -> str:
        _check(node.op)
        own = type(node).FromString(node.SerializeToString())
        own.attr.pop(NUMBERED, None)
        for value in own.attr.values():
            for function in _functions(value):
                function.name = self._of_function(function.name)
        return hashlib.sha256(own.SerializeToString(deterministic=True)).hexdigest()

    def _of_function(self, name: str) -> str:
        if name not in self._digests:
            own = self._library[name]
            body = self.of_nodes(own.node_def)
            rest = type(own).FromString(own.SerializeToString())
            del rest.node_def[:]
            rest.signature.name = ""
            rest.attr.pop(NUMBERED, None)
            signature = hashlib.sha256(rest.SerializeToString(deterministic=True)).hexdigest()
            self._digests[name] = fingerprint.of_text(body, signature)
        return self._digests[name]


def _functions(value: Any) -> Iterator[Any]:
    """Yield the names of functions, with their attributes, that an attribute holds."""
    if value.HasField("func"):
        yield value.func
    if value.HasField("list"):
        yield from value.list.func


def _check(operation: str) -> None:
    has_state = private_tft.has_state(operation) and operation not in HARMLESS
    if has_state or operation in UNTOLD:
        raise UntoldError(f"its graph has the operation {operation}")


def _captured(graph: Any) -> Iterator[str]:
    """Yield what the graph takes from outside: constants, tables and variables by their values."""
    for outside, inside in graph.captures:
        users = inside.consumers()
        if users:
            yield inside.name
            for tensor in _contents(outside, users):
                yield hashlib.sha256(tf.io.serialize_tensor(tensor).numpy()).hexdigest()


def _contents(outside: Any, users: Sequence[Any]) -> Sequence[Any]:
    """Return tensors that tell what is in a tensor that is used by these operations."""
    if outside.dtype not in (tf.resource, tf.variant):
        return [outside]
    kinds = {user.type: user for user in users}
    if kinds.keys() <= VARIABLES:
        return [tf.raw_ops.ReadVariableOp(resource=outside, dtype=users[0].get_attr("dtype"))]
    if kinds.keys() <= {FIND, SIZE} | FILLED:
        return [] if kinds.keys() & FILLED else _table(outside, kinds.get(FIND))
    raise UntoldError(f"its graph hands {outside.dtype.name} to {', '.join(sorted(kinds))}")


def _table(handle: Any, find: Any) -> Sequence[Any]:
    if find is None:
        return [tf.raw_ops.LookupTableSizeV2(table_handle=handle)]
    types = {"Tkeys": find.get_attr("Tin"), "Tvalues": find.get_attr("Tout")}
    keys, values = tf.raw_ops.LookupTableExportV2(table_handle=handle, **types)
    key_list = keys.numpy().tolist()  # A table gives its entries in any order.
    order = sorted(range(len(key_list)), key=key_list.__getitem__)
    return [tf.gather(keys, order), tf.gather(values, order)]
