"""TFT's accumulating operations as accumulators over batches of tensors.

A batch is tensor name -> ndarray. An accumulator calls TFT's combiner in exactly the order in
which Beam's in-memory runner does (`CombineGlobally.with_fanout`, `CombinePerKey`), since several
combiners give other last digits when states are merged once more or once less.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Batch = Mapping[str, npt.NDArray[Any]]
Values = tuple[npt.NDArray[Any], ...]
Keyed = dict[Hashable, Any]


def _values(batch: Batch, tensors: tuple[str, ...]) -> Values:
    return tuple(batch[tensor] for tensor in tensors)


def combined(combiner: Any, states: Iterable[Any]) -> Any:
    """Return the state that Beam gives for adding finished states to a new one."""
    merged = combiner.create_accumulator()
    for state in states:
        merged = combiner.merge_accumulators([merged, state])
    return combiner.merge_accumulators([combiner.compact(merged)])


@dataclass(frozen=True)
class Combine:
    """CacheableCombineAccumulate: one state of TFT's `combiner` for all rows."""

    combiner: Any
    tensors: tuple[str, ...]

    def create(self) -> Any:
        """Return the state of no rows."""
        return self.combiner.create_accumulator()

    def add(self, state: Any, batch: Batch) -> Any:
        """Return the state with the rows of one more batch."""
        return self.combiner.add_input(state, _values(batch, self.tensors))

    def merge(self, states: Sequence[Any]) -> Any:
        """Return the state of the rows of all states."""
        return self.combiner.merge_accumulators([self.combiner.compact(state) for state in states])

    def extract(self, state: Any) -> list[Any]:
        """Return what the operation gives: one state."""
        return [combined(self.combiner, [self.merge([state])])]


def rows_by_key(values: Values) -> Iterable[tuple[Hashable, Any]]:
    """Yield key and values of each row; the first tensor holds the keys."""
    keys, *others = values
    for row, key in enumerate(keys):
        yield key, [other[row] for other in others]


@dataclass(frozen=True)
class CombineByKey:
    """CacheableCombinePerKeyAccumulate: one state of TFT's `combiner` for each key.

    Attributes:
        pairs: a batch's values -> keys and what the combiner adds to their states.
        finish: whether the combiner's outputs are what is given, not its states.
    """

    combiner: Any
    tensors: tuple[str, ...]
    pairs: Callable[[Values], Iterable[tuple[Hashable, Any]]] = rows_by_key
    finish: bool = False

    def create(self) -> Keyed:
        """Return the state of no rows."""
        return {}

    def add(self, state: Keyed, batch: Batch) -> Keyed:
        """Return the state with the rows of one more batch."""
        for key, value in self.pairs(_values(batch, self.tensors)):
            if key not in state:
                state[key] = self.combiner.create_accumulator()
            state[key] = self.combiner.add_input(state[key], value)
        return state

    def merge(self, states: Sequence[Keyed]) -> Keyed:
        """Return the state of the rows of all states."""
        states_of_key: dict[Hashable, list[Any]] = {}
        for state in states:
            for key, one in state.items():
                states_of_key.setdefault(key, []).append(self.combiner.compact(one))
        return {
            key: self.combiner.merge_accumulators(parts) for key, parts in states_of_key.items()
        }

    def extract(self, state: Keyed) -> list[tuple[Hashable, Any]]:
        """Return what the operation gives: pairs of key and state."""
        merged = self.merge([state])
        if self.finish:
            return [(key, self.combiner.extract_output(one)) for key, one in merged.items()]
        return list(merged.items())


@dataclass(frozen=True)
class Count:
    """VocabularyAccumulate by frequency: token -> how often it is there."""

    tensors: tuple[str, ...]

    def create(self) -> Counter[Hashable]:
        """Return the state of no rows."""
        return Counter()

    def add(self, state: Counter[Hashable], batch: Batch) -> Counter[Hashable]:
        """Return the state with the rows of one more batch."""
        (tokens,) = _values(batch, self.tensors)
        state.update(tokens.tolist())
        return state

    def merge(self, states: Sequence[Counter[Hashable]]) -> Counter[Hashable]:
        """Return the state of the rows of all states."""
        first, *others = states
        for other in others:
            first.update(other)
        return first

    def extract(self, state: Counter[Hashable]) -> list[tuple[Hashable, int]]:
        """Return what the operation gives: pairs of token and count."""
        return list(state.items())


@dataclass(frozen=True)
class Weigh:
    """VocabularyAccumulate by weight: token -> the sum of its weights, in the order of rows."""

    tensors: tuple[str, ...]

    def create(self) -> dict[Hashable, float]:
        """Return the state of no rows."""
        return {}

    def add(self, state: dict[Hashable, float], batch: Batch) -> dict[Hashable, float]:
        """Return the state with the rows of one more batch."""
        tokens, weights = _values(batch, self.tensors)
        for token, weight in zip(tokens.tolist(), weights.tolist(), strict=True):
            state[token] = state.get(token, 0) + weight
        return state

    def merge(self, states: Sequence[dict[Hashable, float]]) -> dict[Hashable, float]:
        """Return the state of the rows of all states."""
        first, *others = states
        for other in others:
            for token, weight in other.items():
                first[token] = first.get(token, 0) + weight
        return first

    def extract(self, state: dict[Hashable, float]) -> list[tuple[Hashable, float]]:
        """Return what the operation gives: pairs of token and weight."""
        return list(state.items())
