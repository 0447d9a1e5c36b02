"""The files equal what TFT's own AnalyzeAndTransformDataset gives for the same tf.Examples."""

import ast

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import TFExampleBeamRecord

from kanaria.components.shared.user_code import user_module

EXACT = ["id", "carrier", "carrier_index", "tags_index", "miles_bucket", "flat", "pair"]


def example(row: dict[str, object]) -> bytes:
    """Encode one row as TFX would: a feature without a value is left out."""
    message = tf.train.Example()
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        feature = message.features.feature[name]
        if isinstance(values[0], int):
            feature.int64_list.value.extend(values)
        elif isinstance(values[0], float):
            feature.float_list.value.extend(values)
        elif values[0] is not None:
            feature.bytes_list.value.extend(text.encode() for text in values)
    return message.SerializeToString()


@pytest.fixture(scope="module")
def by_tft(raw, tmp_path_factory, read_split):
    """The training rows as TFT's Beam engine transforms them, in the order of their ids."""
    folder = tmp_path_factory.mktemp("by_tft")
    schema = text_format.Parse((raw / "schema/schema.pbtxt").read_text(), schema_pb2.Schema())
    source = TFExampleBeamRecord("inmem", schema=schema, telemetry_descriptors=["test"])
    function = user_module.function(str(raw / "module.py"), "preprocessing_fn")
    serialized = [example(row) for row in read_split(raw / "examples", "train").to_pylist()]
    with (
        beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags=[])) as pipeline,
        tft_beam.Context(temp_dir=str(folder / "temporary"), desired_batch_size=1000),
    ):
        read = pipeline | beam.Create(serialized) | source.BeamSource(batch_size=1000)
        analyze = tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: function(inputs, {"buckets": 5}), output_record_batches=True
        )
        (batches, _), _ = (read, source.TensorAdapterConfig()) | analyze
        rows = batches | beam.FlatMap(lambda pair: pair[0].to_pylist())
        text = str(folder / "rows")
        _ = rows | beam.Map(repr) | beam.io.WriteToText(text, shard_name_template="")
    lines = [ast.literal_eval(line) for line in (folder / "rows").read_text().splitlines()]
    return sorted(lines, key=lambda row: row["id"])


@pytest.fixture(scope="module")
def ours(done, read_split):
    """Our training rows, with a list for every value as TFT gives them."""
    rows = read_split(done / "transformed", "train").to_pylist()
    return [
        {name: value if isinstance(value, list) else [value] for name, value in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("name", EXACT)
def test_integers_text_and_values_handed_through_are_equal(name, ours, by_tft):
    assert [row[name] for row in ours] == [row[name] for row in by_tft]


# TFT adds the rows up in other batches than we do, so the last digits may differ.
@pytest.mark.parametrize("name", ["miles_z", "hour_z"])
def test_z_scores_are_equal(name, ours, by_tft):
    for mine, theirs in zip(ours, by_tft, strict=True):
        assert mine[name] == pytest.approx(theirs[name], abs=1e-5)


def test_the_comparison_covers_missing_values_and_lists(ours):
    assert {len(row["hour_z"]) for row in ours} == {0, 1}
    assert {len(row["tags_index"]) for row in ours} == {0, 1, 2, 3}
    assert {len(row["pair"]) for row in ours} == {2}
