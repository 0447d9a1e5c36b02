"""Every metric on every slice, as one accumulator over batches of scored rows.

A state holds per group of metrics TFMA's own sums: tables of numbers where a combiner adds up,
weights of Keras metrics, and TFMA's accumulators where rows are taken one by one. Rows
themselves are kept for metrics over queries alone, whose rows may lie anywhere in the split.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import (
    evaluated_rows,
    label_prediction_pairs,
    private_combiners,
    private_keras_sums,
    row_by_row_metrics,
    slices,
)
from kanaria.components.evaluate import metric_plan as plans
from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.calibration_histograms import Histogram
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.label_prediction_pairs import Pairs, Wanted
from kanaria.components.evaluate.metric_plan import Group, Plan
from kanaria.components.evaluate.slices import Membership
from kanaria.components.evaluate.sum_tables import Table, summed

# Values by metric key, as TFMA's combiners and derived computations hand them on.
Metrics = dict[Any, Any]


@dataclass(slots=True)
class GroupState:
    """What is known of one group of metrics.

    Attributes:
        places: slice, or (slice, sample) with intervals -> its number in the tables.
        counts: slice -> rows, or queries, that belong to it.
        tables: number of a computation -> its sums.
        weights: number of a computation, number of a slice -> weights of Keras metrics.
        accumulators: likewise -> TFMA's accumulator.
        kept: rows that wait for the others of their queries.
    """

    places: dict[Any, int] = field(default_factory=dict)
    counts: dict[Any, int] = field(default_factory=dict)
    tables: dict[int, Table] = field(default_factory=dict)
    weights: dict[tuple[int, int], Any] = field(default_factory=dict)
    accumulators: dict[tuple[int, int], Any] = field(default_factory=dict)
    kept: list[Rows] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsAccumulator:
    """The accumulator of all metrics.

    Attributes:
        config: bytes of a `tfma.EvalConfig` for exactly the models at hand.
    """

    config: bytes

    def create(self) -> list[GroupState]:
        """Return the state of no rows."""
        return [GroupState() for _ in plans.of(self.config).groups]

    def add(self, state: list[GroupState], batch: Rows) -> list[GroupState]:
        """Return the state with one more batch."""
        plan = plans.of(self.config)
        members = slices.membership(batch, plan.config, set(plan.columns))
        if plan.sql:
            members = slices.with_more(members, row_by_row_metrics.sql_slices(batch, plan.config))
        for group, own in zip(plan.groups, state, strict=True):
            if group.query_key:
                own.kept.append(batch)
            else:
                _add(own, group, plan, batch, members)
        return state

    def merge(self, states: Sequence[list[GroupState]]) -> list[GroupState]:
        """Return the state of all rows."""
        groups = plans.of(self.config).groups
        columns = zip(groups, zip(*states, strict=True), strict=True)
        return [_merged(group, list(parts)) for group, parts in columns]

    def extract(self, state: list[GroupState]) -> list["Combined"]:
        """Return what was found of each group."""
        plan = plans.of(self.config)
        return [_combined(group, own, plan) for group, own in zip(plan.groups, state, strict=True)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined:
    """The combined metrics of one group.

    Attributes:
        samples: sample -> slice -> metrics; without intervals one sample, all rows.
        counts: slice -> rows, or queries, that belong to it.
    """

    samples: dict[int, dict[Any, Metrics]]
    counts: dict[Any, int]


FULL = private.FULL_SAMPLE


def _places(state: GroupState, members: Membership) -> NDArray[Any]:
    """Return the number of each slice of a membership in the tables."""
    places = state.places
    numbers = [places.setdefault(key, len(places)) for key in members.keys]
    return np.array(numbers, dtype=np.int64)


def _counted(state: GroupState, members: Membership) -> None:
    for key, count in zip(members.keys, np.bincount(members.slices).tolist(), strict=True):
        state.counts[key] = state.counts.get(key, 0) + count


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


def _add(
    state: GroupState, group: Group, plan: Plan, batch: Rows, slices_of_rows: Membership
) -> None:
    _counted(state, slices_of_rows)
    members = _in_samples(group, slices_of_rows, batch.number)
    places = _places(state, members)
    shared_batch = _Batch(batch, plan.config)
    one_by_one = [
        number
        for number in range(len(group.computations))
        if not _summed(state, group, number, shared_batch, members, places)
        and not _fed(state, group, number, shared_batch, members, places)
    ]
    if one_by_one:
        extracts = row_by_row_metrics.row_extracts(batch, plan.config, slices_of_rows)
        _add_rows(state, group, one_by_one, extracts, members, places)


def _summed(
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


def _fed(
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


def _add_rows(
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


def _merged(group: Group, parts: list[GroupState]) -> GroupState:
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
            first.accumulators[at] = _together(combiner, [*both, accumulator])
        first.kept += other.kept
    return first


def _together(combiner: Any, accumulators: list[Any]) -> Any:
    """Return the merge of TFMA's accumulators.

    Some of TFMA's combiners take the first of a list and merge all of the list into it, the first
    again among them; an iterator gives each once.
    """
    if len(accumulators) == 1:
        return accumulators[0]
    return combiner.merge_accumulators(iter(accumulators))


class _Outputs:
    """What the combiners of a group give for slices, one or several states taken together."""

    def __init__(self, group: Group, state: GroupState) -> None:
        self._group = group
        self._state = state
        self._tables = {number: table.whole() for number, table in state.tables.items()}

    def of(self, places: Sequence[int]) -> Metrics:
        """Return the metrics of the rows of one or more numbers of slices together."""
        result: Metrics = {}
        for number, computation in enumerate(self._group.computations):
            result.update(self._output(number, computation.combiner, places))
        return result

    def _output(self, number: int, combiner: Any, places: Sequence[int]) -> Metrics:
        parts = [*self._sums(number, places), *self._weights(number, combiner, places)]
        accumulators = self._state.accumulators
        own = [accumulators[number, place] for place in places if (number, place) in accumulators]
        # A merge may change what it is given, and samples share their parts.
        parts += [copy.deepcopy(each) for each in own] if len(places) > 1 else own
        if len(parts) == 1 and isinstance(parts[0], Histogram):
            return {private_combiners.key_of(combiner): parts[0]}
        parts = [part.to_dict() if isinstance(part, Histogram) else part for part in parts]
        accumulator = _together(combiner, parts) if parts else combiner.create_accumulator()
        output: Metrics = combiner.extract_output(accumulator)
        return output

    def _sums(self, number: int, places: Sequence[int]) -> Iterator[Any]:
        summing = self._group.summing[number]
        if summing is None or number not in self._tables:
            return
        codes, sums = self._tables[number]
        edges = [
            np.searchsorted(codes, [at * summing.width, (at + 1) * summing.width]) for at in places
        ]
        chosen = [slice(*edge.tolist()) for edge in edges]
        buckets = np.concatenate([codes[part] % summing.width for part in chosen])
        totals = np.concatenate([sums[part] for part in chosen])
        if len(places) > 1:
            buckets, totals = summed(buckets, totals)
        if len(buckets) or not any((number, at) in self._state.accumulators for at in places):
            yield summing.accumulator(buckets, totals)

    def _weights(self, number: int, combiner: Any, places: Sequence[int]) -> Iterator[Any]:
        weights, total = self._state.weights, None
        for place in places:
            if (number, place) in weights:
                total = private_keras_sums.added(total, weights[number, place])
        if total is not None:
            yield private_keras_sums.accumulator(combiner, total)


def _combined(group: Group, state: GroupState, plan: Plan) -> Combined:
    if group.query_key:
        _add_queries(state, group, plan)
    outputs = _Outputs(group, state)
    if not group.method:
        metrics = {key: outputs.of([place]) for key, place in state.places.items()}
        return Combined(samples={FULL: metrics}, counts=state.counts)
    samples: dict[int, dict[Any, Metrics]] = {FULL: {}, **{n: {} for n in range(group.samples)}}
    for key in state.counts:
        for sample in samples:
            places = _of_sample(group, state, key, sample)
            if places or group.method == slices.BOOTSTRAP:
                samples[sample][key] = outputs.of(places)
    return Combined(samples=samples, counts=state.counts)


def _of_sample(group: Group, state: GroupState, key: Any, sample: int) -> list[int]:
    """Return the numbers under which the rows of a sample of a slice were added up."""
    if group.method == slices.BOOTSTRAP:
        names = [(key, sample)]
    else:  # A jackknife sample is all rows but those of one bucket.
        names = [(key, bucket) for bucket in range(group.samples) if bucket != sample]
    return [state.places[name] for name in names if name in state.places]


def _add_queries(state: GroupState, group: Group, plan: Plan) -> None:
    """Add the queries of all rows that were kept."""
    if not state.kept:
        return
    batch = evaluated_rows.joined(state.kept)
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
    _counted(state, members)
    sampled = _in_samples(group, members, (0, 0))
    every = list(range(len(group.computations)))
    _add_rows(state, group, every, extracts, sampled, _places(state, sampled))
    state.kept = []
