"""Training on TFRecord: by the data accessor as on Parquet, or by the module's own reader."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from kanaria.components.shared.data import examples
from kanaria.components.shared.data.examples import ExamplesFormat
from kanaria.components.shared.data.write_examples import write_split
from kanaria.components.shared.errors import UserCodeError
from kanaria.components.train.train import TrainRequest, train
from kanaria.components.transform.transform import TransformRequest, transform

# As TFX's own examples do it: the module opens the files, and imports nothing of Kanaria.
READS_ITSELF = """
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx


def _gzip_reader_fn(filenames):
    return tf.data.TFRecordDataset(filenames, compression_type="GZIP")


def _input_fn(file_pattern, tf_transform_output, batch_size):
    return tf.data.experimental.make_batched_features_dataset(
        file_pattern=file_pattern,
        batch_size=batch_size,
        features=tf_transform_output.transformed_feature_spec().copy(),
        reader=_gzip_reader_fn,
        label_key="late_xf",
        shuffle=False,
    )


def run_fn(fn_args: tfx.components.FnArgs):
    graph = tft.TFTransformOutput(fn_args.transform_output)
    names = {"distance_xf": tf.float32, "hour_xf": tf.float32, "carrier_xf": tf.int64}
    inputs = {name: tf.keras.Input((1,), name=name, dtype=kind) for name, kind in names.items()}
    parts = [tf.cast(tensor, tf.float32) for tensor in inputs.values()]
    answer = tf.keras.layers.Dense(1, "sigmoid")(tf.keras.layers.concatenate(parts))
    model = tf.keras.Model(inputs, answer)
    model.compile("adam", "binary_crossentropy")
    rows = _input_fn(fn_args.train_files, graph, 16)
    held_out = _input_fn(fn_args.eval_files, graph, 10)
    model.fit(rows, steps_per_epoch=5, validation_data=held_out, validation_steps=5, verbose=0)
    model.tft_layer = graph.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(serialized):
        spec = graph.raw_feature_spec()
        spec.pop("late")
        features = model.tft_layer(tf.io.parse_example(serialized, spec))
        return model(features)

    tf.saved_model.save(model, fn_args.serving_model_dir, {"serving_default": serve})
"""


@pytest.fixture(scope="module")
def packed(raw: Path, tmp_path_factory) -> Path:
    """A folder as `raw`'s with examples in TFRecord, its `graph` and `transformed`."""
    folder = tmp_path_factory.mktemp("tfrecord")
    (folder / "examples").mkdir()
    for split in ("train", "eval"):
        table = pq.read_table(examples.split_files(raw / "examples", split)[0])
        target = examples.split_folder(folder / "examples", split)
        write_split(target, ExamplesFormat.TFRECORD, table.schema, [[table]])
    request = TransformRequest(
        examples=folder / "examples", schema=raw / "schema", module_file=str(raw / "module.py")
    )
    transform(request, folder / "graph", folder / "transformed")
    return folder


def request(raw: Path, home: Path) -> TrainRequest:
    return TrainRequest(
        examples=home / "examples",
        transformed_examples=home / "transformed",
        schema=raw / "schema",
        transform_graph=home / "graph",
        module_file=str(raw / "module.py"),
        train_steps=5,
        seed=1,
    )


def weights(model: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(model / "1/variables/variables"))
    names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
    return {name: reader.get_tensor(name) for name in names}


def test_the_data_accessor_trains_the_same_model_on_both_formats(transformed, packed, tmp_path):
    for name, home in (("parquet", transformed), ("tfrecord", packed)):
        train(request(transformed, home), tmp_path / name, tmp_path / f"{name}_run")
    one, other = weights(tmp_path / "parquet"), weights(tmp_path / "tfrecord")
    assert one and one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_module_that_opens_the_files_itself_runs(raw: Path, packed: Path, tmp_path: Path):
    (tmp_path / "user_module.py").write_text(READS_ITSELF)
    train_request = replace(request(raw, packed), module_file=str(tmp_path / "user_module.py"))
    done = train(train_request, tmp_path / "model", tmp_path / "run")
    assert done.signatures == ("serving_default",)


def test_a_module_may_read_raw_examples_itself(raw: Path, packed: Path, tmp_path: Path):
    (tmp_path / "user_module.py").write_text(
        """
import tensorflow as tf


def run_fn(fn_args):
    files = tf.io.gfile.glob(fn_args.train_files)
    rows = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1000)
    late = tf.io.FixedLenFeature([], tf.int64)
    parsed = tf.io.parse_example(next(iter(rows)), {"late": late})
    raise LookupError(f"{int(tf.reduce_sum(parsed['late']))} of {len(parsed['late'])} late")
"""
    )
    train_request = replace(
        request(raw, packed),
        module_file=str(tmp_path / "user_module.py"),
        transformed_examples=raw / "not_materialized",
    )
    late = pq.read_table(examples.split_files(raw / "examples", "train")[0])["late"].to_pylist()
    with pytest.raises(UserCodeError, match=f"{sum(late)} of {len(late)} late"):
        train(train_request, tmp_path / "model", tmp_path / "run")


@pytest.mark.parametrize(
    ("format_", "reader", "remedy"),
    [
        (
            "parquet",
            "_gzip_reader_fn",
            "are Parquet and it reads TFRecord: set examples_format: tf",
        ),
        ("parquet", "tf.data.TFRecordDataset", "are Parquet and it reads TFRecord"),
        (
            "tfrecord",
            "tf.data.TFRecordDataset",
            'gzip TFRecord: read them with compression_type="G',
        ),
    ],
)
def test_a_module_that_reads_another_format_is_told_which_to_set(
    raw: Path, transformed: Path, packed: Path, tmp_path: Path, format_, reader, remedy
):
    module = READS_ITSELF.replace("reader=_gzip_reader_fn", f"reader={reader}")
    (tmp_path / "user_module.py").write_text(module)
    home = transformed if format_ == "parquet" else packed
    train_request = replace(request(raw, home), module_file=str(tmp_path / "user_module.py"))
    with pytest.raises(UserCodeError, match=remedy) as caught:
        train(train_request, tmp_path / "model", tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert "user_module.py:" in str(caught.value)
