"""TFDV's statistics of the rows of a split, accumulated partition by partition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared.data import partitions
from kanaria.components.shared.engines.accumulate import Engine, Pass
from kanaria.components.validate import private_tfdv
from kanaria.components.validate.private_tfdv import State

ROWS_PER_BATCH = 20_000
ROWS_PER_PARTITION = 50 * ROWS_PER_BATCH
"""A state takes 6 MB for 18 features, and eight of neighbouring partitions are held at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """An accumulator of all of TFDV's statistics over batches of lists.

    However the rows are cut into partitions, counts and extremes are equal, means and deviations up
    to the last digits of a double. Distinct and most frequent values come from sketches, exact up
    to 16,384 distinct values. So do quantiles, whose rank is off by at most 0.01, TFDV's bound; the
    most was 0.0005, in 4 million rows of any order in 1, 8 or 200 partitions.

    Attributes:
        schema: a serialized schema, or None; it says which numbers are counted by value.
    """

    schema: bytes | None

    def create(self) -> State:
        """Return the state of no rows."""
        return State([one.create_accumulator() for one in private_tfdv.generators(self.schema)])

    def add(self, state: State, batch: pa.RecordBatch) -> State:
        """Return the state with one more batch: columns of `large_list`, null = missing."""
        pairs = zip(private_tfdv.generators(self.schema), state.accumulators, strict=True)
        return State([one.add_input(accumulator, batch) for one, accumulator in pairs])

    def merge(self, states: Sequence[State]) -> State:
        """Return the state of all rows of several states."""
        return private_tfdv.merged(states, self.schema)

    def extract(self, state: State) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Return TFDV's statistics of the one data set."""
        return private_tfdv.extracted(state, self.schema)


def _accumulator(schema: schema_pb2.Schema | None) -> Statistics:
    # Equal schemas are equal bytes, so that the generators of one schema are made once.
    data = None if schema is None else schema.SerializeToString(deterministic=True)
    return Statistics(schema=data)


def of_batches(
    batches: Iterable[pa.RecordBatch], schema: schema_pb2.Schema | None = None
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return TFDV's statistics of batches in memory, as one partition."""
    accumulator = _accumulator(schema)
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add(state, batch)
    return accumulator.extract(state)


def of_files(
    files: Sequence[Path], schema: schema_pb2.Schema | None, engine: Engine
) -> statistics_pb2.DatasetFeatureStatisticsList | None:
    """Return TFDV's statistics of a split; None of a split without rows.

    Args:
        files: of the split; memory does not grow with their rows.
        schema: which numbers are categorical and counted by value; None for none.
        engine: what reads the partitions.
    """
    parts = partitions.partitions(files, ROWS_PER_PARTITION)
    if not parts:
        return None
    accumulator = _accumulator(schema)
    read = partial(partitions.batches, rows=ROWS_PER_BATCH)
    (state,) = engine.states(Pass(read=read, accumulators=(accumulator,)), parts)
    statistics = accumulator.extract(state)
    return statistics if statistics.datasets and statistics.datasets[0].num_examples else None
