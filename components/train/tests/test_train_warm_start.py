"""A training goes on from the deployed weights, or says why it cannot."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from signed_releases import published
from signing_keys import pair

from kanaria.components.shared.errors import DataError, ParameterError, UserCodeError
from kanaria.components.train import base_model
from kanaria.components.train.train import train

# As a module for TFX is written: nothing of Kanaria is imported.
MODULE = """
import tensorflow as tf
from tfx import v1 as tfx


def run_fn(fn_args: tfx.components.FnArgs):
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    if fn_args.base_model:
        base = tf.saved_model.load(fn_args.base_model)
        module.weight.assign(base.weight)
    module.weight.assign_add(float(fn_args.train_steps))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "distance")])
    def answer(distance):
        return {"outputs": module.weight * distance}

    tf.saved_model.save(module, fn_args.serving_model_dir, {"serving_default": answer})
"""

KERAS = """
import tensorflow as tf
from tfx import v1 as tfx


def run_fn(fn_args: tfx.components.FnArgs):
    if fn_args.base_model:
        model = tf.keras.models.load_model(fn_args.base_model)
    else:
        inputs = tf.keras.Input((), name="distance")
        outputs = tf.keras.layers.Dense(1)(tf.expand_dims(inputs, 1))
        model = tf.keras.Model({"distance": inputs}, {"outputs": outputs})
    model.save(fn_args.serving_model_dir, save_format="tf")
"""


def release_of(model: Path, folder: Path) -> str:
    shutil.copytree(model, folder / "model")
    return str(folder)


def weight(model: Path) -> float:
    return float(tf.saved_model.load(str(model / "1")).weight)


def test_a_training_goes_on_from_the_weights_of_the_release(request_with, tmp_path: Path):
    first = request_with(MODULE, train_steps=2)
    train(first, tmp_path / "first", tmp_path / "first_run")
    release = release_of(tmp_path / "first", tmp_path / "release")
    second = request_with(MODULE, train_steps=40, base_model=release)
    train(second, tmp_path / "second", tmp_path / "second_run")
    assert (weight(tmp_path / "first"), weight(tmp_path / "second")) == (3.0, 43.0)


def test_keras_loads_the_base_model_as_it_does_under_tfx(request_with, tmp_path: Path):
    train(request_with(KERAS, seed=1), tmp_path / "first", tmp_path / "first_run")
    release = release_of(tmp_path / "first", tmp_path / "release")
    warm = request_with(KERAS, seed=2, base_model=release)
    train(warm, tmp_path / "second", tmp_path / "second_run")
    kernels = [
        tf.keras.models.load_model(tmp_path / name / "1").get_weights()[0]
        for name in ("first", "second")
    ]
    assert kernels[0] == kernels[1]


def test_the_model_with_the_highest_number_counts(tmp_path: Path):
    for number in ("9", "10", "latest"):
        (tmp_path / "model" / number).mkdir(parents=True)
        (tmp_path / "model" / number / "saved_model.pb").touch()
    with base_model.opened(f"file://{tmp_path}") as model:
        assert model == tmp_path / "model/10"


def test_without_a_base_model_there_is_none():
    with base_model.opened("") as model:
        assert model is None


@pytest.mark.parametrize("made", ["", "model", "model/1", "model/latest"])
def test_what_is_no_release_is_named(tmp_path: Path, made: str):
    (tmp_path / "release" / made).mkdir(parents=True)
    if made == "model/latest":
        (tmp_path / "release" / made / "saved_model.pb").touch()
    with (
        pytest.raises(
            DataError, match=r"release'.*: no model that can be trained on in it.*; give"
        ),
        base_model.opened(str(tmp_path / "release")),
    ):
        pass


def test_a_uri_of_an_unknown_kind_is_a_fault_beside_the_others(request_with, tmp_path: Path):
    request = request_with(MODULE, seed=-1, base_model="ftp://a/b", model_run_dir="http://c/d")
    with pytest.raises(ParameterError, match=r"seed=-1.*base_model: .*ftp.*model_run_dir: .*http"):
        train(request, tmp_path / "model", tmp_path / "run")


CHECKPOINTED = """
import tensorflow as tf
from kanaria.components.train.checkpoints import Checkpoints

def run_fn(fn_args):
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
    {compile}
    rows = tf.data.Dataset.from_tensors((tf.ones((4, 1)), tf.ones((4, 1)))){repeat}
    checkpoints = Checkpoints(model, fn_args)
    rows = {rows}
    model.fit(rows, {steps} epochs=2, initial_epoch={first}, callbacks=[checkpoints], verbose=0)
"""
RIGHT = {
    "compile": "model.compile('sgd', 'mse')",
    "repeat": ".repeat()",
    "rows": "checkpoints.remaining(rows)",
    "steps": "steps_per_epoch=2,",
    "first": "checkpoints.epoch",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"compile": ""}, "the model is not compiled"),
        ({"repeat": ".repeat(3)"}, "the dataset ends after 3 batches; repeat it without end"),
        ({"rows": "rows"}, "fit reads a dataset not from Checkpoints.remaining"),
        ({"first": "1"}, "fit begins at epoch 1, the checkpoint at 0; pass initial_epoch"),
    ],
)
def test_a_fit_that_could_not_be_resumed_is_refused_the_first_time(
    request_with, tmp_path: Path, change: dict[str, str], message: str
):
    request = request_with(CHECKPOINTED.format(**(RIGHT | change)))
    with pytest.raises(UserCodeError, match=message):
        train(request, tmp_path / "model", tmp_path / "run")


def test_the_last_two_checkpoints_are_kept_for_the_next_attempt(request_with, tmp_path: Path):
    """The module saves no model, so the training fails after its last epoch."""
    place = str(tmp_path / "place")
    module = CHECKPOINTED.format(**RIGHT).replace("epochs=2", "epochs=3")
    with pytest.raises(UserCodeError, match="wrote no model"):
        train(request_with(module, model_run_dir=place), tmp_path / "model", tmp_path / "run")
    left = sorted(path.name for path in (tmp_path / "place/checkpoints").iterdir())
    assert left == ["epoch-000002", "epoch-000003"]


def test_a_changed_parameter_starts_afresh_and_says_so(request_with, tmp_path: Path, caplog):
    place = str(tmp_path / "place")
    module = CHECKPOINTED.format(**RIGHT)
    for seed in (1, 2):
        with pytest.raises(UserCodeError, match="wrote no model"):
            request = request_with(module, model_run_dir=place, seed=seed)
            train(request, tmp_path / "model", tmp_path / "run")
    assert "made with other data, another module or other parameters" in caplog.text
    assert "Resumed" not in caplog.text


def test_a_release_that_is_not_the_signed_one_is_no_start(tmp_path: Path):
    keys = pair(tmp_path, "own")
    release, pem = published(tmp_path, keys), keys.public.read_text()
    with base_model.opened(str(release), pem) as folder:
        assert (folder / "saved_model.pb").read_text() == "graph"
        assert not folder.is_relative_to(release)
    (release / "model/1/variables/data").write_text("weightz")
    with (
        pytest.raises(DataError, match="model/1/variables/data is not what was signed"),
        base_model.opened(str(release), pem),
    ):
        pass
