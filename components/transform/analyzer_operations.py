"""TFT's operations over whole data: what is accumulated in a pass, and what follows from it.

TFT describes an analyzer as a graph of operations (`tensorflow_transform.nodes`). The first, on
tensors, becomes an accumulator; the others turn lists of elements, Beam's collections, into
lists of elements. A test holds each against Beam's own.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kanaria.components.shared.engines.accumulate import Accumulator
from kanaria.components.transform import private_tft, vocabularies
from kanaria.components.transform.analyzer_accumulators import (
    Combine,
    CombineByKey,
    Count,
    Values,
    Weigh,
    combined,
)
from kanaria.components.transform.private_tft import analyzer_nodes, analyzers, nodes, tf_utils

Elements = Sequence[Any]
Ordering = private_tft.VocabularyOrdering


def _means(values: Values) -> Iterator[tuple[Hashable, Any]]:
    """Yield token and the state that a batch's sums for it amount to, for mutual information."""
    tokens, *weights, positive, counts = (value.tolist() for value in values)
    totals = weights[0] if weights else []
    for token, sums, total, count in zip_longest(tokens, positive, totals, counts):
        weight = None if total is None else total / count
        mean = np.array(sums) / (count if total is None else total)
        yield (
            token,
            analyzers.WeightedMeanAndVarCombiner.accumulator_class(
                count=np.array(count), mean=mean, variance=np.array(0.0), weight=weight
            ),
        )


def _label_means(ordering: int) -> Any:
    return analyzers.WeightedMeanAndVarCombiner(
        np.float32,
        output_shape=(None,),
        compute_variance=False,
        compute_weighted=ordering == Ordering.WEIGHTED_MUTUAL_INFORMATION,
    )


_INFORMATION = (
    Ordering.MUTUAL_INFORMATION,
    Ordering.WEIGHTED_MUTUAL_INFORMATION,
)


def _vocabulary(operation: Any, tensors: tuple[str, ...]) -> Accumulator:
    ordering = operation.vocab_ordering_type
    if ordering in _INFORMATION:
        return CombineByKey(_label_means(ordering), tensors, _means, finish=True)
    return Weigh(tensors) if ordering == Ordering.WEIGHTED_FREQUENCY else Count(tensors)


_ACCUMULATORS: dict[type, Callable[[Any, tuple[str, ...]], Accumulator]] = {
    analyzer_nodes.CacheableCombineAccumulate: lambda it, of: Combine(it.combiner, of),
    analyzer_nodes.CacheableCombinePerKeyAccumulate: lambda it, of: CombineByKey(it.combiner, of),
    analyzer_nodes.VocabularyAccumulate: _vocabulary,
}


def accumulated(sink: Any) -> dict[str, tuple[Accumulator, tuple[str, ...]]]:
    """Return label -> accumulator, and the tensors it needs, of the analyzer behind a sink."""
    accumulators: dict[str, tuple[Accumulator, tuple[str, ...]]] = {}
    for node in _behind(sink.future):
        make = _ACCUMULATORS.get(type(node.operation_def))
        if make:
            tensors = node.inputs[0].parent_operation.operation_def.tensors
            names = tuple(str(tensor.name) for tensor in tensors)
            accumulators[node.operation_def.label] = make(node.operation_def, names), names
    return accumulators


def tensors_behind(sink: Any) -> list[tf.Tensor]:
    """Return the tensors whose values the analyzer behind a sink is given."""
    return [
        tensor
        for node in _behind(sink.future)
        if isinstance(node.operation_def, analyzer_nodes.TensorSource)
        for tensor in node.operation_def.tensors
    ]


def _behind(value: Any) -> Iterator[Any]:
    """Yield the operations that a value comes from, its own first."""
    node = value.parent_operation
    yield node
    for parent in node.inputs:
        yield from _behind(parent)


def _merge_all(operation: Any, states: Elements) -> Any:
    return operation.combiner.extract_output(combined(operation.combiner, states))


def _by_key(operation: Any, pairs: Elements) -> list[tuple[Hashable, Any]]:
    combiner = operation.combiner
    return [(key, combiner.extract_output(combined(combiner, [state]))) for key, state in pairs]


def _keys_and_outputs(operation: Any, pairs: Elements) -> tuple[Elements, ...]:
    """Return an array of the sorted keys, and one of each output in their order."""
    ordered = sorted(pairs, key=lambda pair: pair[0])
    infos = operation.combiner.output_tensor_infos()
    columns = list(zip(*(outputs for _, outputs in ordered), strict=True)) or [()] * len(infos)
    keys = np.array([key for key, _ in ordered], dtype=tf.string.as_numpy_dtype)
    typed = zip(columns, infos, strict=True)
    return [keys], *([np.array(column, info.dtype.as_numpy_dtype)] for column, info in typed)


def _as_lines(_: Any, pairs: Elements) -> list[tuple[str, Hashable]]:
    text = tf.compat.as_str_any
    return [(text(",".join(map(text, outputs))), key) for key, outputs in pairs]


def _size(_: Any, entries: Elements) -> np.int64:
    return np.int64(max(len(entries), 1))  # TFT writes a dummy into an empty vocabulary.


def _boundaries_by_key(_: Any, matrix: Elements) -> tuple[Elements, ...]:
    return tuple([output] for output in private_tft.joined_boundaries(matrix[0]))


def _merged_vocabulary(operation: Any, pairs: Elements) -> list[vocabularies.Entry]:
    ordering = operation.vocab_ordering_type
    if ordering not in _INFORMATION:
        return [(value, token) for token, value in pairs]
    combiner = _label_means(ordering)
    merged = {}
    for token, state in pairs:
        one = combiner.add_input(combiner.create_accumulator(), state)
        merged[token] = combiner.extract_output(combiner.merge_accumulators([one]))
    sentinels = (tf_utils.GLOBAL_Y_COUNT_SENTINEL_STRING, tf_utils.GLOBAL_Y_COUNT_SENTINEL_INT)
    whole = [merged.pop(sentinel) for sentinel in sentinels if sentinel in merged]
    if not whole:
        return []
    least = operation.min_diff_from_avg
    if least is None:
        least = analyzers.calculate_recommended_min_diff_from_avg(whole[0].count * whole[0].weight)
    adjusted = operation.use_adjusted_mutual_info
    return [
        (private_tft.mutual_information(token, own, whole[0], adjusted, least), token)
        for token, own in merged.items()
    ]


def _one(make: Callable[[Any, Elements], Any]) -> Callable[[Any, Elements], tuple[Elements, ...]]:
    """Return `make` for an operation with one output of one element."""
    return lambda operation, elements: ([make(operation, elements)],)


def _many(make: Callable[[Any, Elements], Any]) -> Callable[[Any, Elements], tuple[Elements, ...]]:
    """Return `make` for an operation with one output of many elements."""
    return lambda operation, elements: (make(operation, elements),)


def _flattened(_: Any, lists: Elements) -> list[Any]:
    return [element for elements in lists for element in elements]


_FOLLOWING: dict[type, Callable[[Any, Elements], tuple[Elements, ...]]] = {
    analyzer_nodes.CacheableCombineMerge: _one(_merge_all),
    analyzer_nodes.ExtractCombineMergeOutputs: lambda _, of: tuple([output] for output in of[0]),
    analyzer_nodes.CacheableCombinePerKeyMerge: _many(_by_key),
    analyzer_nodes.CacheableCombinePerKeyFormatKeys: _keys_and_outputs,
    analyzer_nodes.CacheableCombinePerKeyFormatLarge: _many(_as_lines),
    analyzer_nodes.ScaleAndFlattenPerKeyBucketBouandaries: _boundaries_by_key,
    analyzer_nodes.FlattenLists: _many(_flattened),
    analyzer_nodes.VocabularyMerge: _many(_merged_vocabulary),
    analyzer_nodes.VocabularyPrune: _many(vocabularies.pruned),
    analyzer_nodes.VocabularyCount: _one(_size),
}
_SUPPORTED = {
    *_ACCUMULATORS,
    *_FOLLOWING,
    analyzer_nodes.TensorSource,
    analyzer_nodes.ExtractVocabularyReservedTokens,
    analyzer_nodes.VocabularyOrderAndWrite,
}


def unknown(sinks: Iterable[Any]) -> list[str]:
    """Return the labels of the operations behind the sinks that only Beam can run."""
    labels = {
        node.operation_def.label
        for sink in sinks
        for node in _behind(sink.future)
        if not _is_known(node.operation_def)
    }
    return sorted(labels)


def _is_known(operation: Any) -> bool:
    if isinstance(operation, analyzer_nodes.VocabularyAccumulate):
        return bool(operation.vocab_ordering_type != Ordering.WEIGHTED_LABELS)
    return type(operation) in _SUPPORTED


@dataclass
class Results(nodes.Visitor):
    """Works out analyzers from accumulated states, each operation once.

    Attributes:
        graph: the graph of the user's function, which holds reserved tokens.
        folder: where vocabularies are written.
        states: label of an accumulating operation -> what it gives.
    """

    graph: Any
    folder: Path
    states: dict[str, Elements] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start without any result."""
        self._traverser = nodes.Traverser(self)

    def value(self, sink: Any) -> Any:
        """Return the value of an analyzer's sink; an asset's is its path."""
        (value,) = self._traverser.visit_value_node(sink.future)
        return value

    def visit(self, operation: Any, inputs: tuple[Elements, ...]) -> tuple[Elements, ...]:
        """Return the elements of each output of an operation."""
        if operation.label in self.states:
            return (self.states[operation.label],)
        if isinstance(operation, analyzer_nodes.TensorSource):
            return ([],)
        if isinstance(operation, analyzer_nodes.ExtractVocabularyReservedTokens):
            return (tf_utils.fetch_vocabulary_reserved_tokens(self.graph, operation.name),)
        if isinstance(operation, analyzer_nodes.VocabularyOrderAndWrite):
            entries, *reserved = inputs
            tokens = reserved[0] if reserved else ()
            path = vocabularies.write(operation, list(entries), tokens, self.folder)
            return ([str(path)],)
        return _FOLLOWING[type(operation)](operation, inputs[0])

    def validate_value(self, value: Any) -> None:
        """Take any value."""
