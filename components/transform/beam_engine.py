"""Analyses with TFT's own Beam pipeline: in this process, or on the runner that is named.

An engine is a function `analyze(files, schema, preprocessing_fn, target)` that writes what
`tft.TFTransformOutput` loads; another engine can take this one's place.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow_transform.beam as tft_beam
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata

from kanaria.components.shared.engines import beam as beam_engines
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.storage import atomic
from kanaria.components.shared.tensors import adapter
from kanaria.components.transform import stable_graph

IN_PROCESS = Beam()
LOGGER = logging.getLogger(__name__)

# TFT combines some analyzers batch by batch, so their results depend on this number.
ROWS_PER_BATCH = 1_000

# FnApiRunner fuses stages; where analyzers feed analyzers three deep, fused stages can need each
# other's results (apache/beam#26190), and it ends so. The other runner fuses none, but takes 1.4
# times the work and adds numbers up in another order, so it runs only what the first cannot.
NOT_EXECUTED = "watermark-pending bundles did not execute"


def _read(file: str, serialized_schema: bytes) -> Iterator[pa.RecordBatch]:
    """Read inside the pipeline: batches made outside would be pickled with their whole table."""
    config = adapter.adapter_config(schema_pb2.Schema.FromString(serialized_schema))
    yield from adapter.batches([Path(file)], ROWS_PER_BATCH, config)


def analyze(
    files: Sequence[Path],
    schema: schema_pb2.Schema,
    preprocessing_fn: Callable[[dict[str, Any]], dict[str, Any]],
    target: Path,
    engine: Beam = IN_PROCESS,
) -> None:
    """Run the full passes of `preprocessing_fn` over `files` and write the graph to `target`.

    Args:
        files: files of the split to analyse.
        schema: the raw features.
        preprocessing_fn: TFX-style; takes and returns feature name -> tensor.
        target: folder to write `transform_fn`, `transformed_metadata` and `metadata` into; workers
            of a runner elsewhere must see it, and the files.
        engine: Beam with the arguments that name its runner; by default in this process.
    """
    temporary = target / ".beam"
    try:
        _run(beam_engines.pipeline(engine), files, schema, preprocessing_fn, target)
    except AssertionError as error:
        if not engine.in_process or NOT_EXECUTED not in str(error):
            raise
        LOGGER.info("Beam's fused stages wait for each other; running them one by one.")
        for begun in target.iterdir():
            atomic.remove(begun)
        unfused = beam.Pipeline(
            runner=BundleBasedDirectRunner(), options=beam_engines.options(engine.arguments)
        )
        _run(unfused, files, schema, preprocessing_fn, target)
    stable_graph.forget_folder(target / "transform_fn", temporary)
    atomic.remove(temporary)


def _run(
    runnable: Any,
    files: Sequence[Path],
    schema: schema_pb2.Schema,
    preprocessing_fn: Callable[[dict[str, Any]], dict[str, Any]],
    target: Path,
) -> None:
    """Run TFT's pipeline as a `beam.Pipeline` of a runner."""
    with (
        runnable as pipeline,
        tft_beam.Context(temp_dir=str(target / ".beam"), desired_batch_size=ROWS_PER_BATCH),
    ):
        names = pipeline | "Files" >> beam.Create([str(file) for file in files])
        rows = names | "Read" >> beam.FlatMap(_read, schema.SerializeToString())
        config = adapter.adapter_config(schema)
        graph = (rows, config) | "Analyze" >> tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | "Write" >> tft_beam.WriteTransformFn(str(target))
        metadata = dataset_metadata.DatasetMetadata(schema)
        raw = str(target / "metadata")
        _ = metadata | "WriteRaw" >> tft_beam.WriteMetadata(raw, pipeline=pipeline)
