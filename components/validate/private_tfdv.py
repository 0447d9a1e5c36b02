"""TFDV's own statistics generators without Beam, over batches of any number."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2


def statistics(batches: Iterable[pa.RecordBatch]) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return TFDV's statistics of all batches; memory does not grow with their number.

    Args:
        batches: columns of `large_list`, null = missing; at least one batch.
    """
    options = tfdv.StatsOptions()
    generators: list[Any] = stats_impl.get_generators(options, in_memory=True)
    merged: list[Any] = []
    for batch in batches:
        partial = stats_impl.generate_partial_statistics_in_memory(batch, options, generators)
        merged = [
            generator.merge_accumulators([old, new])
            for generator, old, new in zip(generators, merged or partial, partial, strict=True)
        ] if merged else partial
    return stats_impl.extract_statistics_output(merged, generators)
