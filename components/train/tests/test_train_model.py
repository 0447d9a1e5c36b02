"""What train_model promises: a checked model from a user's run_fn, or one clear error."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import DataError, ParameterError, UserCodeError
from kanaria.components.train.train import TrainRequest, train

# Saves a model that answers `distance` times the sum of the train rows' labels.
SMALL = """
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs
from tfx_bsl.public import tfxio
from tfx.utils import io_utils
from tensorflow_metadata.proto.v0 import schema_pb2


def run_fn(fn_args: FnArgs):
    schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    options = tfxio.RecordBatchesOptions(batch_size=1000, num_epochs=1)
    rows = next(fn_args.data_accessor.record_batch_factory(fn_args.train_files, options, schema))
    module = tf.Module()
    module.weight = tf.Variable(float(sum(row[0] for row in rows.column("late").to_pylist())))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "distance")])
    def answer(distance):
        return {"outputs": module.weight * distance}

    tf.saved_model.save(module, fn_args.serving_model_dir, {"serving_default": answer})
"""


@pytest.fixture(scope="module")
def trained(transformed: Path, tmp_path_factory):
    """Two trainings of one request, and one with another seed."""
    request = TrainRequest(
        examples=transformed / "examples",
        transformed_examples=transformed / "transformed",
        schema=transformed / "schema",
        transform_graph=transformed / "graph",
        module_file=str(transformed / "module.py"),
        train_steps=5,
    )
    folder = tmp_path_factory.mktemp("trained")
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        train(replace(request, seed=seed), folder / name, folder / f"{name}_run")
    return folder


def weights(model: Path) -> list[np.ndarray]:
    """Return all trained tensors of the model, as the checkpoint holds them."""
    reader = tf.train.load_checkpoint(str(model / "1/variables/variables"))
    kinds = reader.get_variable_to_dtype_map()
    return [reader.get_tensor(name) for name in sorted(kinds) if kinds[name].is_floating]


def equal(left: Path, right: Path) -> bool:
    pairs = list(zip(weights(left), weights(right), strict=True))
    return bool(pairs) and all(np.array_equal(a, b) for a, b in pairs)


def test_the_same_seed_gives_the_same_weights(trained: Path):
    assert equal(trained / "first", trained / "again")


def test_another_seed_gives_other_weights(trained: Path):
    assert not equal(trained / "first", trained / "other")


def test_the_weights_of_an_exported_model_are_read_for_a_warm_start(trained: Path):
    """As the README tells; the model is built as the user module of these tests builds it."""
    names = {"distance_xf": tf.float32, "hour_xf": tf.float32, "carrier_xf": tf.int64}
    inputs = {name: tf.keras.Input((1,), name=name, dtype=kind) for name, kind in names.items()}
    parts = [tf.cast(tensor, tf.float32) for tensor in inputs.values()]
    hidden = tf.keras.layers.Dense(4, "relu")(tf.keras.layers.concatenate(parts))
    dropped = tf.keras.layers.Dropout(0.5)(hidden)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, "sigmoid")(dropped))
    base_model = trained / "first/1"
    base = tf.train.Checkpoint(model=model)
    base.read(f"{base_model}/variables/variables").assert_existing_objects_matched()
    saved = [value.tobytes() for value in weights(trained / "first")]
    assert all(value.tobytes() in saved for value in model.get_weights())


def test_the_model_lies_in_a_folder_named_by_an_integer(trained: Path):
    assert [path.name for path in (trained / "first").iterdir()] == ["1"]
    assert (trained / "first/1/saved_model.pb").is_file()


def test_the_run_keeps_what_run_fn_logged(trained: Path):
    assert list((trained / "first_run").rglob("events.out.tfevents*"))


def test_raw_rows_reach_a_run_fn_that_trains_without_a_transform(request_with, tmp_path: Path):
    request = request_with(SMALL)
    done = train(request, tmp_path / "model", tmp_path / "run")
    late = sum(pq.read_table(request.examples / "split=train")["late"].to_pylist())
    assert done.signatures == ("serving_default",)
    assert done.fingerprint == fingerprint.of_tree(tmp_path / "model")
    assert weights(tmp_path / "model") == [late]
    assert list((tmp_path / "run").iterdir())  # KFP uploads no empty folder.


def test_fn_args_hold_what_tfx_gives(request_with, tmp_path: Path):
    module = """
from pathlib import Path


def run_fn(fn_args):
    assert fn_args.train_steps == 7 and fn_args.eval_steps is None, fn_args
    assert fn_args.hyperparameters == {"units": 3} and fn_args.custom_config == {"a": [1]}
    assert fn_args.base_model is None and Path(fn_args.model_run_dir).is_dir()
    assert fn_args.schema_path == fn_args.schema_file and Path(fn_args.schema_file).is_file()
    assert fn_args.transform_output == fn_args.transform_graph_path
    assert [Path(p).parent.name for p in fn_args.train_files] == ["split=train"]
    assert [Path(p).parent.name for p in fn_args.eval_files] == ["split=eval"]
    assert fn_args.working_dir and fn_args.eval_model_dir
    raise LookupError("all is there")
"""
    request = request_with(
        module, train_steps=7, hyperparameters={"units": 3}, custom_config={"a": [1]}
    )
    with pytest.raises(UserCodeError, match="all is there"):
        train(request, tmp_path / "model", tmp_path / "run")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("def run_fn(:", r"user_module\.py:1: invalid syntax in 'def run_fn\(:'"),
        ("x = 1", "no function 'run_fn'; define `def run_fn"),
        ("def run_fn(a):\n    pass", "run_fn wrote no model to fn_args.serving_model_dir"),
        ("def run_fn(a):\n    1 / 0", r"user_module\.py:2: run_fn failed with ZeroDivisionError"),
    ],
)
def test_a_faulty_module_is_one_clear_error_and_no_output(
    request_with, tmp_path: Path, module: str, message: str
):
    with pytest.raises(UserCodeError, match=message):
        train(request_with(module), tmp_path / "model", tmp_path / "run")
    left = {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
    assert left == {"user_module.py"}


def test_the_users_error_is_kept_as_the_cause(request_with, tmp_path: Path):
    request = request_with("def run_fn(a):\n    raise LookupError('no such row')")
    with pytest.raises(UserCodeError) as caught:
        train(request, tmp_path / "model", tmp_path / "run")
    assert isinstance(caught.value.__cause__, LookupError)


def changed(request: TrainRequest, folder: Path, split: str, column: str, value: object) -> Path:
    """Copy the examples to `folder` with one value of one split changed."""
    for name in ("train", "eval"):
        table = pq.read_table(request.examples / f"split={name}").to_pydict()
        if name == split:
            table[column] = [value, *map(type(value), table[column][1:])]
        target = folder / f"split={name}"
        target.mkdir(parents=True)
        pq.write_table(pa.table(table), target / "part-00000-of-00001.parquet")
    return folder


def test_a_nan_label_is_found_behind_the_weights_it_spoilt(request_with, tmp_path: Path):
    request = request_with(SMALL)
    (tmp_path / "schema").mkdir()
    text = (request.schema / "schema.pbtxt").read_text()
    late_is_float = text.replace('"late" type: INT', '"late" type: FLOAT')
    (tmp_path / "schema/schema.pbtxt").write_text(late_is_float)
    examples = changed(request, tmp_path / "examples", "train", "late", math.nan)
    request = replace(request, examples=examples, schema=tmp_path / "schema")
    with pytest.raises(DataError, match=r"50 of 50 eval rows .* not finite; .* train rows: late;"):
        train(request, tmp_path / "model", tmp_path / "run")
    assert not (tmp_path / "model").exists()


def test_a_nan_feature_is_named(request_with, tmp_path: Path):
    request = request_with(SMALL)
    examples = changed(request, tmp_path / "examples", "eval", "distance", math.nan)
    with pytest.raises(DataError, match=r"1 of 50 eval rows .* missing there: distance; mend"):
        train(replace(request, examples=examples), tmp_path / "model", tmp_path / "run")


@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_missing_split_is_named(request_with, tmp_path: Path, split: str):
    request = request_with(SMALL)
    examples = tmp_path / "examples"
    (examples / "split=other").mkdir(parents=True)
    for name in {"train", "eval"} - {split}:
        (examples / f"split={name}").symlink_to(request.examples / f"split={name}")
    with pytest.raises(DataError, match=f"no split '{split}'; it has: "):
        train(replace(request, examples=examples), tmp_path / "model", tmp_path / "run")


def test_all_faulty_parameters_are_shown_at_once(raw: Path, tmp_path: Path):
    request = TrainRequest(
        examples=raw / "absent",
        transformed_examples=raw / "absent",
        schema=raw / "absent",
        transform_graph=raw / "absent",
        module_file="",
        run_fn="",
        train_steps=-1,
        eval_steps=-2,
        seed=-3,
    )
    with pytest.raises(ParameterError) as caught:
        train(request, tmp_path / "model", tmp_path / "run")
    for name in ("module_file", "run_fn", "train_steps=-1", "eval_steps=-2", "seed=-3"):
        assert name in str(caught.value)
