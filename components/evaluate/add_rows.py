"""How rows come into the state of a group of metrics: the fastest way that each metric allows.

What a combiner adds up goes into tables for all slices at once, a Keras metric is fed slice by
slice, and everything else takes TFMA's extracts one by one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import (
    evaluated_rows,
    label_prediction_pairs,
    private_keras_sums,
    row_by_row_metrics,
    slices,
)
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.group_state import GroupState, count_rows, place_numbers
from kanaria.components.evaluate.label_prediction_pairs import Pairs, Wanted
from kanaria.components.evaluate.metric_plan import Group, Plan
from kanaria.components.evaluate.slices import Membership
from kanaria.components.evaluate.sum_tables import Table


def _in_samples(group: Group, members: Membership, number: tuple[int, int]) -> Membership:
    return slices.sampled(members, group.method, group.samples, number) if group.method else members


class _Batch:
    """A batch and what its metrics compare, each worked out once."""

    def __init__(self, batch: Rows, config: Any) -> None:
        self.rows = batch
        self.config = config
        self._pairs: dict[Wanted, Pairs | None] = {}

    def pairs(self, wanted: Wanted) -> Pairs | None:
        if wanted not in self._pairs:
            self._pairs[wanted] = label_prediction_pairs.of(self.rows, self.config, wanted)
        return self._pairs[wanted]


def add_batch(
    state: GroupState, group: Group, plan: Plan, batch: Rows, slices_of_rows: Membership
) -> None:
    """Add a batch to the state of a group.

    Args:
        state: what is changed.
        group: whose metrics they are.
        plan: of the whole evaluation.
        batch: scored rows.
        slices_of_rows: which rows belong to which slices.
    """
    count_rows(state, slices_of_rows)
    members = _in_samples(group, slices_of_rows, batch.number)
    places = place_numbers(state, members)
    shared_batch = _Batch(batch, plan.config)
    one_by_one = [
        number
        for number in range(len(group.computations))
        if not _add_sums(state, group, number, shared_batch, members, places)
        and not _feed_keras_metric(state, group, number, shared_batch, members, places)
    ]
    if one_by_one:
        extracts = row_by_row_metrics.row_extracts(batch, plan.config, slices_of_rows)
        _add_one_by_one(state, group, one_by_one, extracts, members, places)


def _add_sums(
    state: GroupState,
    group: Group,
    number: int,
    batch: _Batch,
    members: Membership,
    places: NDArray[Any],
) -> bool:
    """Add a batch to the sums of a computation; tell whether that could be done."""
    summing = group.summing[number]
    if summing is None:
        return False
    pair = None if summing.wanted is None else batch.pairs(summing.wanted)
    if summing.wanted is not None and pair is None:
        return False
    part = summing.part(batch.rows, batch.config, pair)
    if part is None:
        return False
    if part.rows is None:
        terms, slice_of = members.rows, places[members.slices]
    else:
        terms, slice_of = expanded(part.rows, members, places, len(batch.rows))
    codes = slice_of * summing.width
    if part.buckets is not None:
        codes = codes + part.buckets[terms]
    state.tables.setdefault(number, Table()).add(codes, part.sums[terms])
    return True


def expanded(
    term_rows: NDArray[Any], members: Membership, places: NDArray[Any], count: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return numbers of terms and of slices, one for each slice that a term's row belongs to.

    Args:
        term_rows: row of each term, ascending; a row may have several, or none.
        members: which rows belong to which slices.
        places: number of each slice.
        count: number of rows.
    """
    if np.array_equal(term_rows, np.arange(count)):
        return members.rows, places[members.slices]  # One term a row.
    starts = np.searchsorted(term_rows, np.arange(count + 1))
    counts = np.diff(starts)[members.rows]
    slice_of = np.repeat(places[members.slices], counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(starts[members.rows], counts) + within, slice_of


def _feed_keras_metric(
    state: GroupState,
    group: Group,
    number: int,
    batch: _Batch,
    members: Membership,
    places: NDArray[Any],
) -> bool:
    """Feed a Keras metric with a batch, slice by slice; tell whether that could be done."""
    computation = group.computations[number]
    if not private_keras_sums.is_one(computation):
        return False
    pairs = [batch.pairs(wanted) for wanted in private_keras_sums.wanted(computation.combiner)]
    present = [pair for pair in pairs if pair is not None]
    if len(present) < len(pairs):
        return False
    for place, chosen in zip(places.tolist(), members.parts(), strict=True):
        weights = private_keras_sums.fed(computation.combiner, present, chosen)
        state.weights[number, place] = private_keras_sums.added(
            state.weights.get((number, place)), weights
        )
    return True


def _add_one_by_one(
    state: GroupState,
    group: Group,
    numbers: list[int],
    extracts: list[dict[str, Any]],
    members: Membership,
    places: NDArray[Any],
) -> None:
    """Add extracts one by one to the accumulators of some computations."""
    fed = row_by_row_metrics.Fed([group.computations[number] for number in numbers])
    order = np.argsort(members.rows, kind="stable")
    slice_of = np.split(
        places[members.slices[order]],
        np.searchsorted(members.rows[order], np.arange(1, len(extracts))),
    )
    for extract, own in zip(extracts, slice_of, strict=True):
        for inputs in fed.inputs(extract):
            for number, prepared in zip(numbers, inputs, strict=True):
                combiner = group.computations[number].combiner
                for place in own.tolist():
                    accumulator = state.accumulators.get((number, place))
                    before = combiner.create_accumulator() if accumulator is None else accumulator
                    after = combiner.add_inputs(before, prepared)
                    state.accumulators[number, place] = after


def add_queries(state: GroupState, group: Group, plan: Plan) -> None:
    """Add the queries of all rows that waited for each other."""
    if not state.waiting:
        return
    batch = evaluated_rows.joined(state.waiting)
    slices_of_rows = slices.membership(batch, plan.config, set(plan.columns))
    if plan.sql:
        slices_of_rows = slices.with_more(
            slices_of_rows, row_by_row_metrics.sql_slices(batch, plan.config)
        )
    extracts = list(
        row_by_row_metrics.by_query(
            row_by_row_metrics.row_extracts(batch, plan.config, slices_of_rows), group.query_key
        )
    )
    members = slices.of_keys([row_by_row_metrics.slice_keys(extract) for extract in extracts])
    count_rows(state, members)
    sampled = _in_samples(group, members, (0, 0))
    every = list(range(len(group.computations)))
    _add_one_by_one(state, group, every, extracts, sampled, place_numbers(state, sampled))
    state.waiting = []
