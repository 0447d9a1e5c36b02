"""TFT's own Beam pipeline as TFX's Transform has it: TFRecord examples in, graph and TFRecord out.

Nothing of Kanaria's transform is in it: TFX's libraries read, analyse, transform, encode and write.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx_bsl.public.tfxio import RecordBatchToExamplesEncoder, TFExampleRecord

from kanaria.components.shared.engines.beam import Beam, pipeline


def _encoded(batch: Any, encoder: Any) -> list[bytes]:
    examples: list[bytes] = encoder.encode(batch[0])
    return examples


def transform(
    splits: Mapping[str, str], schema: Any, preprocessing_fn: Callable[..., Any], target: Path
) -> None:
    """Analyse the split `train`, and transform all.

    Args:
        splits: split -> pattern of its gzip TFRecord files.
        schema: of the raw features.
        preprocessing_fn: the user's.
        target: folder for graph and transformed examples.
    """
    with (
        pipeline(Beam()) as root,
        tft_beam.Context(temp_dir=str(target / "temporary")),
    ):
        rows = {}
        for split, pattern in splits.items():
            source = TFExampleRecord(
                pattern, schema=schema, telemetry_descriptors=["benchmark", split]
            )
            rows[split] = (
                root | f"Read {split}" >> source.BeamSource(),
                source.TensorAdapterConfig(),
            )
        graph = rows["train"] | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(target / "graph"))
        _ = dataset_metadata.DatasetMetadata(schema) | tft_beam.WriteMetadata(
            str(target / "graph/metadata"), pipeline=root
        )
        for split, raw in rows.items():
            transformed, metadata = (raw, graph) | f"Transform {split}" >> (
                tft_beam.TransformDataset(output_record_batches=True)
            )
            encoder = RecordBatchToExamplesEncoder(metadata.schema)
            _ = (
                transformed
                | f"Encode {split}" >> beam.FlatMap(_encoded, encoder=encoder)
                | f"Write {split}"
                >> beam.io.WriteToTFRecord(
                    str(target / f"split={split}/part"), file_name_suffix=".gz"
                )
            )
