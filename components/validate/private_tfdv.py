"""TFDV's own statistics generators without Beam, over batches of any number.

Rule: private names of TFDV are imported here and nowhere else.
"""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.statistics.generators.top_k_uniques_sketch_stats_generator import (
    TopKUniquesSketchStatsGenerator,
)
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

MOST_EXACT_VALUES = 16_384
"""Distinct values up to which counts are exact; TFDV's own 1,024 loses counts of larger texts."""


def _generators(options: tfdv.StatsOptions) -> list[Any]:
    """Return TFDV's generators, with a larger sketch of the most frequent values."""
    counts = TopKUniquesSketchStatsGenerator(
        schema=options.schema,
        num_top_values=options.num_top_values,
        num_rank_histogram_buckets=options.num_rank_histogram_buckets,
        frequency_threshold=options.frequency_threshold,
        weighted_frequency_threshold=options.weighted_frequency_threshold,
        num_misragries_buckets=MOST_EXACT_VALUES,
        num_kmv_buckets=MOST_EXACT_VALUES,
    )
    found = stats_impl.get_generators(options, in_memory=True)
    return [counts if isinstance(one, TopKUniquesSketchStatsGenerator) else one for one in found]


def statistics(
    batches: Iterable[pa.RecordBatch], schema: schema_pb2.Schema | None = None
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return TFDV's statistics of all batches; memory does not grow with their number.

    Distinct and most frequent values come from sketches, exact up to 16,384 distinct values.

    Args:
        batches: columns of `large_list`, null = missing.
        schema: which numbers are categorical and counted by value; None for none.
    """
    options = tfdv.StatsOptions(schema=schema)
    generators = _generators(options)
    accumulators = [generator.create_accumulator() for generator in generators]
    for batch in batches:
        accumulators = [
            generator.add_input(accumulator, batch)
            for generator, accumulator in zip(generators, accumulators, strict=True)
        ]
    return stats_impl.extract_statistics_output(accumulators, generators)


def drift(
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
    schema: schema_pb2.Schema,
    environment: str,
    previous: statistics_pb2.DatasetFeatureStatisticsList,
) -> anomalies_pb2.Anomalies:
    """Return TFDV's anomalies of statistics against a schema and earlier statistics."""
    return tfdv.validate_statistics(
        statistics, schema, environment=environment or None, previous_statistics=previous
    )
