"""Statistics by TFDV's own Beam pipeline, on the runner that is named, or in this process."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.engines import beam
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import atomic

ROWS_PER_BATCH = 20_000


def _read(file: str) -> Iterator[pa.RecordBatch]:
    yield from record_batches([Path(file)], ROWS_PER_BATCH)


def statistics(
    files: Sequence[Path], schema: schema_pb2.Schema | None, engine: Beam, folder: Path
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return TFDV's statistics of the rows of all files.

    Args:
        files: of one split; workers of a runner elsewhere must see them.
        schema: which numbers are categorical and counted by value; None for none.
        engine: Beam with the arguments that name its runner.
        folder: where the result passes through; workers elsewhere must see it, too.

    Raises:
        DataError: the workers wrote the result where this process does not see it.
    """
    result = folder / f".beam-{uuid.uuid4().hex[:8]}"
    options = tfdv.StatsOptions(schema=schema)
    try:
        with beam.pipeline(engine) as pipeline:
            _ = (
                pipeline
                | "Files" >> apache_beam.Create([str(file) for file in files])
                | "Read" >> apache_beam.FlatMap(_read).with_output_types(pa.RecordBatch)
                | "Compute" >> tfdv.GenerateStatistics(options)
                | "Write" >> tfdv.WriteStatisticsToBinaryFile(str(result))
            )
        if not result.exists():
            raise DataError(
                f"{result}: Beam's workers wrote the statistics where this step does not see them; "
                "mount one volume on the step and on the workers, or use another engine"
            )
        return tfdv.load_stats_binary(str(result))
    finally:
        atomic.remove(result)
