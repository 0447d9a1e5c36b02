"""The work of train_model."""

import logging
from pathlib import Path

import tensorflow as tf
import tensorflow_transform  # noqa: F401  It decides what tf.keras means, before user code asks.

from kanaria.components.shared import atomic, examples, fingerprint, user_module
from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.schema_file import read_schema
from kanaria.components.shared.tfx_names import FnArgs
from kanaria.components.train import base_model, devices, model_run, precision, private_tensorflow
from kanaria.components.train.check_model import check_model
from kanaria.components.train.data_accessor import DATA_ACCESSOR
from kanaria.components.train.diagnosis import with_remedy
from kanaria.components.train.request import Trained, TrainRequest, check
from kanaria.components.train.training_key import training_key

logger = logging.getLogger(__name__)
VERSION = "1"
"""Folder name of the SavedModel: TF Serving wants an integer below the model's base path."""


def _source(request: TrainRequest) -> Path:
    """Return the examples that run_fn reads: the transformed ones where they hold rows."""
    if examples.is_materialized(request.transformed_examples):
        return request.transformed_examples
    return request.examples


def _patterns(request: TrainRequest, split: str) -> list[str]:
    return [examples.split_pattern(_source(request), split)]


def _train_files(request: TrainRequest) -> list[Path]:
    """Return every file that may hold the cause of a bad model, raw rows and transformed ones."""
    sources = dict.fromkeys((request.examples, _source(request)))
    return [file for source in sources for file in examples.split_files(source, "train")]


def _make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow; equal seeds give equal weights on a CPU.

    On a GPU they give nearly equal ones: sums there have no fixed order.
    """
    tf.keras.utils.set_random_seed(seed)
    if not tf.config.list_physical_devices("GPU"):
        # On a GPU an operation that has no deterministic form would fail instead.
        tf.config.experimental.enable_op_determinism()


def _key(request: TrainRequest, base: Path | None) -> str:
    """Return the key of the checkpoints; "" where none outlives the step, as it costs reading."""
    if not request.model_run_dir:
        return ""
    folders = [request.examples, _source(request), request.schema, request.transform_graph]
    names = ("run_fn", "train_steps", "eval_steps", "hyperparameters", "custom_config", "seed")
    settings = {name: getattr(request, name) for name in (*names, "precision")}
    return training_key([*folders, *([base] if base else [])], request.module_file, settings)


def _fn_args(request: TrainRequest, model: Path, logs: Path, base: Path | None) -> FnArgs:
    schema, graph = str(request.schema / "schema.pbtxt"), str(request.transform_graph)
    return FnArgs(
        working_dir=str(logs),
        train_files=_patterns(request, "train"),
        eval_files=_patterns(request, "eval"),
        train_steps=request.train_steps or None,
        eval_steps=request.eval_steps or None,
        schema_path=schema,
        schema_file=schema,
        transform_graph_path=graph,
        transform_output=graph,
        data_accessor=DATA_ACCESSOR,
        serving_model_dir=str(model),
        eval_model_dir=str(logs / "eval_model"),
        model_run_dir=str(logs),
        base_model=str(base) if base else None,
        hyperparameters=dict(request.hyperparameters),
        custom_config=dict(request.custom_config),
    )


def train(request: TrainRequest, model: Path, logs: Path) -> Trained:
    """Run the user's function and publish the model it saved as `<model>/1`.

    Args:
        request: what to train on and how.
        model: folder to publish.
        logs: folder for what the function logs, or for the name of the place it is in.

    Raises:
        ParameterError: a parameter is out of range, or this process was given a GPU that TensorFlow
            does not see.
        UserCodeError: the function does not load, fails, or saves no usable model.
        DataError: a split is missing, `base_model` is no release, or the model answers eval rows
            with non-finite numbers.
        NotReadyError: the store of `base_model` or `model_run_dir` does not answer.
    """
    check(request)
    devices.let_memory_grow()
    devices.check()
    logger.info("Training on %s.", devices.used())
    eval_files = examples.split_files(request.examples, "eval")
    train_files = _train_files(request)
    schema = read_schema(request.schema / "schema.pbtxt")
    run_fn = user_module.function(request.module_file, request.run_fn)
    private_tensorflow.leave_libraries_unconverted()
    precision.keep_transform_in_its_types()
    _make_repeatable(request.seed)
    # The model is published first: until it is, its checkpoints are needed.
    with (
        base_model.opened(request.base_model) as base,
        model_run.opened(request.model_run_dir, logs, _key(request, base), request.seed) as run,
        atomic.published(model) as temporary,
    ):
        saved = temporary / VERSION
        saved.parent.mkdir()
        try:
            with precision.policy(request.precision):
                user_module.call(run_fn, _fn_args(request, saved, run.folder, base))
        except UserCodeError as error:
            raise with_remedy(error, train_files) from error.__cause__
        if not (saved / "saved_model.pb").exists():
            raise UserCodeError(
                f"{request.module_file}: {request.run_fn} wrote no model to "
                "fn_args.serving_model_dir; save a SavedModel there"
            )
        checked = check_model(saved, schema, eval_files, train_files)
        return Trained(
            fingerprint=fingerprint.of_tree(temporary),
            signatures=checked.signatures,
            samples=checked.samples,
            device=devices.used(),
        )
