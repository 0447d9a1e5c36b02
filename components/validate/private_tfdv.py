"""TFDV's own statistics generators without Beam, over batches of any number.

Rule: private names of TFDV are imported here and nowhere else.
"""

from collections.abc import Iterable

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2


def statistics(
    batches: Iterable[pa.RecordBatch], schema: schema_pb2.Schema | None = None
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return TFDV's statistics of all batches; memory does not grow with their number.

    Distinct and most frequent values come from sketches, as `generate_statistics_in_memory`
    makes them: exact up to 16,384 distinct values.

    Args:
        batches: columns of `large_list`, null = missing.
        schema: which numbers are categorical and counted by value; None for none.
    """
    options = tfdv.StatsOptions(schema=schema)
    generators = stats_impl.get_generators(options, in_memory=True)
    accumulators = [generator.create_accumulator() for generator in generators]
    for batch in batches:
        accumulators = [
            generator.add_input(accumulator, batch)
            for generator, accumulator in zip(generators, accumulators, strict=True)
        ]
    return stats_impl.extract_statistics_output(accumulators, generators)
