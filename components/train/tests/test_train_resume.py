"""A training killed with SIGKILL, at random, ends with the bytes of an undisturbed one."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_trainings.py")
EPOCHS, STEPS = 6, 5
KILLED = -9

# Shuffled rows, noise in the input pipeline, dropout: three kinds of random state.
MODULE = """
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils
from tfx_bsl.public import tfxio

from kanaria.components.train.checkpoints import Checkpoints


def noisy(features, late):
    distance = features["distance"] / 3000.0
    return distance + tf.random.normal(tf.shape(distance), stddev=0.1), late


def run_fn(fn_args: FnArgs):
    schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    options = tfxio.TensorFlowDatasetOptions(batch_size=16, label_key="late")
    rows = fn_args.data_accessor.tf_dataset_factory(fn_args.train_files, options, schema)
    layers = tf.keras.layers
    hidden = [layers.Dense(64, "relu", input_shape=(1,)), layers.Dropout(0.5)]
    model = tf.keras.Sequential([*hidden, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["AUC"])
    checkpoints = Checkpoints(model, fn_args)
    model.fit(
        checkpoints.remaining(rows.map(noisy)),
        steps_per_epoch=5,
        epochs=fn_args.train_steps // 5,
        initial_epoch=checkpoints.epoch,
        callbacks=[tf.keras.callbacks.TensorBoard(fn_args.model_run_dir), checkpoints],
        verbose=2,
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "distance")])
    def answer(distance):
        return {"outputs": model(tf.expand_dims(distance, 1))}

    tf.saved_model.save(model, fn_args.serving_model_dir, {"serving_default": answer})
"""


def variables(model: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in (model / "1/variables").iterdir()}
    assert any(name.startswith("variables.data") for name in found)
    return found


def trainings(
    raw: Path, folder: Path, runs: list[dict[str, object]]
) -> tuple[list[list[int]], str]:
    """Run trainings as `killed_trainings` does; return how they ended and what they logged."""
    (folder / "module.py").write_text(MODULE)
    request = {
        "examples": str(raw / "examples"),
        "transformed_examples": str(raw / "not_materialized"),
        "schema": str(raw / "schema"),
        "transform_graph": str(raw / "graph"),
        "module_file": str(folder / "module.py"),
        "train_steps": EPOCHS * STEPS,
        "seed": 3,
    }
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT],
        input=json.dumps({"request": request, "runs": runs}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.fixture(scope="module")
def ended(raw: Path, tmp_path_factory):
    """One training undisturbed, one killed after random times, one while writing checkpoints."""
    folder = tmp_path_factory.mktemp("killed")
    draw = random.Random()
    at_random = [{"epochs": n, "seconds": draw.uniform(0, 0.3)} for n in (1, 4)]
    # The note is one file, each checkpoint three: kills in the first and the third checkpoint.
    while_writing = [{"flushes": 1 + 3 * n + draw.randint(1, 3)} for n in (0, 2)]
    runs = [
        {"model": str(folder / "whole"), "kills": []},
        {"model": str(folder / "random"), "kills": at_random},
        {"model": str(folder / "writing"), "kills": while_writing},
    ]
    ends, log = trainings(raw, folder, runs)
    return folder, dict(zip(("whole", "random", "writing"), ends, strict=True)), log, runs


def test_kills_at_random_times_leave_the_same_final_weights(ended):
    folder, ends, _, runs = ended
    assert ends["random"] == [KILLED, KILLED, 0], runs
    assert variables(folder / "random") == variables(folder / "whole"), runs


def test_kills_while_a_checkpoint_is_written_leave_the_same_final_weights(ended):
    folder, ends, _, runs = ended
    assert ends["writing"] == [KILLED, KILLED, 0], runs
    assert variables(folder / "writing") == variables(folder / "whole"), runs


def test_a_killed_training_went_on_where_it_was(ended):
    _, _, log, _ = ended
    assert "Resumed after epoch 1 from" in log or "Resumed after epoch 2 from" in log


def test_a_training_that_ended_leaves_its_logs_and_no_checkpoint(ended):
    folder, _, _, _ = ended
    for name in ("whole", "random", "writing"):
        assert {path.name for path in (folder / f"{name}_run").iterdir()} == {"train"}
        assert (folder / f"{name}_logs/COMPLETE").read_text() == str(folder / f"{name}_run")
