"""The state of one group of metrics: sums, weights and accumulators by slice, and its merge."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import private_keras_sums
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.metric_plan import Group
from kanaria.components.evaluate.slices import Membership
from kanaria.components.evaluate.sum_tables import Table


@dataclass(slots=True)
class GroupState:
    """What is known of one group of metrics.

    Attributes:
        places: slice, or (slice, sample) with intervals -> its number in the tables.
        counts: slice -> rows, or queries, that belong to it.
        tables: number of a computation -> its sums.
        weights: number of a computation, number of a slice -> weights of Keras metrics.
        accumulators: likewise -> TFMA's accumulator.
        waiting: rows that wait for the others of their queries.
    """

    places: dict[Any, int] = field(default_factory=dict)
    counts: dict[Any, int] = field(default_factory=dict)
    tables: dict[int, Table] = field(default_factory=dict)
    weights: dict[tuple[int, int], Any] = field(default_factory=dict)
    accumulators: dict[tuple[int, int], Any] = field(default_factory=dict)
    waiting: list[Rows] = field(default_factory=list)


def place_numbers(state: GroupState, members: Membership) -> NDArray[Any]:
    """Return the number of each slice of a membership in the tables."""
    places = state.places
    numbers = [places.setdefault(key, len(places)) for key in members.keys]
    return np.array(numbers, dtype=np.int64)


def count_rows(state: GroupState, members: Membership) -> None:
    """Add the rows of a membership to the counts of their slices."""
    for key, count in zip(members.keys, np.bincount(members.slices).tolist(), strict=True):
        state.counts[key] = state.counts.get(key, 0) + count


def merge_states(group: Group, parts: list[GroupState]) -> GroupState:
    """Return the state of all rows of one or more parts; the first part is changed."""
    first, *others = parts
    for other in others:
        places = np.array(
            [first.places.setdefault(key, len(first.places)) for key in other.places],
            dtype=np.int64,
        )
        for key, count in other.counts.items():
            first.counts[key] = first.counts.get(key, 0) + count
        for number, table in other.tables.items():
            width = group.summing[number].width  # type: ignore[union-attr]
            codes, sums = table.whole()
            own = first.tables.setdefault(number, Table())
            own.add(places[codes // width] * width + codes % width, sums)
        for (number, place), weights in other.weights.items():
            at = number, int(places[place])
            first.weights[at] = private_keras_sums.added(first.weights.get(at), weights)
        for (number, place), accumulator in other.accumulators.items():
            at = number, int(places[place])
            combiner = group.computations[number].combiner
            both = [first.accumulators[at]] if at in first.accumulators else []
            first.accumulators[at] = merge_accumulators(combiner, [*both, accumulator])
        first.waiting += other.waiting
    return first


def merge_accumulators(combiner: Any, accumulators: list[Any]) -> Any:
    """Return the merge of TFMA's accumulators.

    Some of TFMA's combiners take the first of a list and merge all of the list into it, the first
    again among them; an iterator gives each once.
    """
    if len(accumulators) == 1:
        return accumulators[0]
    return combiner.merge_accumulators(iter(accumulators))
