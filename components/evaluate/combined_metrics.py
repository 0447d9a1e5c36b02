"""The metrics that the state of a group gives, for each slice and each sample of its rows."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.evaluate import private_combiners, private_keras_sums, slices
from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.calibration_histograms import Histogram
from kanaria.components.evaluate.group_state import GroupState, merge_accumulators
from kanaria.components.evaluate.metric_plan import Group
from kanaria.components.evaluate.sum_tables import summed

# Values by metric key, as TFMA's combiners and derived computations hand them on.
Metrics = dict[Any, Any]


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
"""The sample of all rows."""


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
        accumulator = (
            merge_accumulators(combiner, parts) if parts else combiner.create_accumulator()
        )
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


def combined(group: Group, state: GroupState) -> Combined:
    """Return the metrics of a group, for each slice and each sample of its rows."""
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
