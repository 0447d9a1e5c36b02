"""Small real artifacts for the tests of train_model: examples, schema, transform, user module."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.train.train import TrainRequest

SCHEMA = """
feature { name: "distance" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "carrier" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "hour" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } }
feature { name: "late" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""

MODULE = """
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

from kanaria.components.train.export import export_model


def preprocessing_fn(inputs):
    hour = inputs["hour"]
    one_a_row = tf.SparseTensor(hour.indices, hour.values, [hour.dense_shape[0], 1])
    hour = tf.sparse.to_dense(one_a_row, default_value=-1)
    return {
        "distance_xf": tft.scale_to_z_score(inputs["distance"]),
        "carrier_xf": tft.compute_and_apply_vocabulary(inputs["carrier"], num_oov_buckets=1),
        "hour_xf": tf.cast(hour, tf.float32) / 24.0,
        "late_xf": inputs["late"],
    }


def run_fn(fn_args: tfx.components.FnArgs):
    graph = tft.TFTransformOutput(fn_args.transform_output)
    rows = fn_args.data_accessor.tf_dataset_factory(
        fn_args.train_files,
        tfxio.TensorFlowDatasetOptions(batch_size=16, label_key="late_xf"),
        graph.transformed_metadata.schema,
    )
    names = {"distance_xf": tf.float32, "hour_xf": tf.float32, "carrier_xf": tf.int64}
    inputs = {name: tf.keras.Input((1,), name=name, dtype=kind) for name, kind in names.items()}
    parts = [tf.cast(tensor, tf.float32) for tensor in inputs.values()]
    hidden = tf.keras.layers.Dense(4, "relu")(tf.keras.layers.concatenate(parts))
    dropped = tf.keras.layers.Dropout(0.5)(hidden)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, "sigmoid")(dropped))
    model.compile("adam", "binary_crossentropy")
    log = tf.keras.callbacks.TensorBoard(fn_args.model_run_dir)
    model.fit(rows, steps_per_epoch=fn_args.train_steps, verbose=0, callbacks=[log])
    export_model(model, graph, fn_args.serving_model_dir, label_keys="late")
"""


def write_examples(folder: Path, splits: dict[str, dict[str, list[object]]]) -> Path:
    """Write an examples artifact: split name -> column -> values."""
    for split, columns in splits.items():
        part = folder / f"split={split}" / "part-00000-of-00001.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), part)
    return folder


def flights(rows: int, seed: int) -> dict[str, list[object]]:
    draw = random.Random(seed)
    distance = [draw.uniform(100, 3000) for _ in range(rows)]
    return {
        "distance": distance,
        "carrier": [draw.choice(["AA", "UA", "WN"]) for _ in range(rows)],
        "hour": [None if draw.random() < 0.1 else draw.randrange(24) for _ in range(rows)],
        "late": [int(miles > 1500) for miles in distance],
    }


@pytest.fixture(scope="session")
def raw(tmp_path_factory) -> Path:
    """A folder with `examples`, `schema`, `module.py` and nothing transformed."""
    folder = tmp_path_factory.mktemp("raw")
    write_examples(folder / "examples", {"train": flights(200, 1), "eval": flights(50, 2)})
    (folder / "schema").mkdir()
    (folder / "schema/schema.pbtxt").write_text(SCHEMA)
    (folder / "module.py").write_text(MODULE)
    (folder / "not_materialized").mkdir()
    (folder / "not_materialized/NOT_MATERIALIZED").touch()
    return folder


@pytest.fixture(scope="session")
def transformed(raw: Path) -> Path:
    """The same folder with `graph` and `transformed`, as transform_data writes them."""
    from kanaria.components.transform.transform import TransformRequest, transform

    request = TransformRequest(
        examples=raw / "examples", schema=raw / "schema", module_file=str(raw / "module.py")
    )
    transform(request, raw / "graph", raw / "transformed")
    return raw


@pytest.fixture
def write_flights(tmp_path: Path) -> Callable[[str, float], Path]:
    """Write examples of the same flights, with distances in another unit."""

    def write(name: str, unit: float) -> Path:
        splits = {"train": flights(200, 1), "eval": flights(50, 2)}
        for columns in splits.values():
            columns["distance"] = [value / unit for value in columns["distance"]]
        return write_examples(tmp_path / name, splits)

    return write


@pytest.fixture
def request_with(raw: Path, tmp_path: Path):
    """Make a request for a user module given as text, on raw rows unless told otherwise."""

    def make(module: str, **changes: object) -> TrainRequest:
        path = tmp_path / "user_module.py"
        path.write_text(module)
        usual = {
            "examples": raw / "examples",
            "transformed_examples": raw / "not_materialized",
            "schema": raw / "schema",
            "transform_graph": raw / "graph",
            "module_file": str(path),
        }
        return TrainRequest(**(usual | changes))

    return make


@pytest.fixture(scope="session")
def killed_trainings(raw: Path) -> Callable[..., tuple[list[list[int]], str]]:
    """Run trainings of resumable_module.py as killed_trainings.py says, 6 epochs of 5 steps each.

    The function returns how the children of each run ended, and what all of them logged.
    """
    here = Path(__file__).parent
    request = {
        "examples": str(raw / "examples"),
        "transformed_examples": str(raw / "not_materialized"),
        "schema": str(raw / "schema"),
        "transform_graph": str(raw / "graph"),
        "module_file": str(here / "resumable_module.py"),
        "train_steps": 30,
        "seed": 3,
    }

    def run(
        runs: list[dict[str, object]], environment: Mapping[str, str] | None = None
    ) -> tuple[list[list[int]], str]:
        done = subprocess.run(
            [sys.executable, "-I", here / "killed_trainings.py"],
            input=json.dumps({"request": request, "runs": runs}),
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    return run


@pytest.fixture(scope="session")
def undisturbed(killed_trainings, tmp_path_factory) -> Path:
    """The model of a training of resumable_module.py that nothing disturbed."""
    model = tmp_path_factory.mktemp("undisturbed") / "model"
    ends, log = killed_trainings([{"model": str(model), "kills": []}])
    assert ends == [[0]], log
    return model


@pytest.fixture(scope="session")
def variables() -> Callable[[Path], dict[str, bytes]]:
    """Read the files that hold a model's variables, byte by byte."""

    def read(model: Path) -> dict[str, bytes]:
        contents = {path.name: path.read_bytes() for path in (model / "1/variables").iterdir()}
        assert any(name.startswith("variables.data") for name in contents)
        return contents

    return read
