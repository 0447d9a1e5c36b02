"""Analyses with Beam's in-memory runner: one process, nothing downloaded.

An engine is a function `analyze(files, schema, preprocessing_fn, target)` that writes what
`tft.TFTransformOutput` loads; another engine can take this one's place.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata

from kanaria.components.shared import atomic
from kanaria.components.shared.tensors import adapter
from kanaria.components.transform import stable_graph

# TFT combines some analyzers batch by batch, so their results depend on this number.
ROWS_PER_BATCH = 1_000


def _read(file: str, serialized_schema: bytes) -> Iterator[pa.RecordBatch]:
    """Read inside the pipeline: batches made outside would be pickled with their whole table."""
    config = adapter.adapter_config(schema_pb2.Schema.FromString(serialized_schema))
    yield from adapter.batches([Path(file)], ROWS_PER_BATCH, config)


def analyze(
    files: Sequence[Path],
    schema: schema_pb2.Schema,
    preprocessing_fn: Callable[[dict[str, Any]], dict[str, Any]],
    target: Path,
) -> None:
    """Run the full passes of `preprocessing_fn` over `files` and write the graph to `target`.

    Args:
        files: files of the split to analyse.
        schema: the raw features.
        preprocessing_fn: TFX-style; takes and returns feature name -> tensor.
        target: folder to write `transform_fn`, `transformed_metadata` and `metadata` into.
    """
    temporary = target / ".beam"
    # Without options of its own, a pipeline would take this process's command line for them.
    options = PipelineOptions(flags=[])
    with (
        beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline,
        tft_beam.Context(temp_dir=str(temporary), desired_batch_size=ROWS_PER_BATCH),
    ):
        names = pipeline | "Files" >> beam.Create([str(file) for file in files])
        rows = names | "Read" >> beam.FlatMap(_read, schema.SerializeToString())
        config = adapter.adapter_config(schema)
        graph = (rows, config) | "Analyze" >> tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | "Write" >> tft_beam.WriteTransformFn(str(target))
        metadata = dataset_metadata.DatasetMetadata(schema)
        raw = str(target / "metadata")
        _ = metadata | "WriteRaw" >> tft_beam.WriteMetadata(raw, pipeline=pipeline)
    stable_graph.forget_folder(target / "transform_fn", temporary)
    atomic.remove(temporary)
