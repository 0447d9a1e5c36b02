"""The work of train_model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform  # noqa: F401  It decides what tf.keras means, before user code asks.

from kanaria.components.shared import atomic, examples, fingerprint, user_module
from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.parameters import Faults
from kanaria.components.shared.tensors import adapter
from kanaria.components.shared.tfx_names import FnArgs
from kanaria.components.train import private_tensorflow
from kanaria.components.train.check_model import check_model
from kanaria.components.train.data_accessor import DATA_ACCESSOR

VERSION = "1"
"""Folder name of the SavedModel: TF Serving wants an integer below the model's base path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What to train on and with which user function.

    Attributes:
        examples: raw examples artifact with splits `train` and `eval`.
        transformed_examples: transformed ones, or an artifact marked as not materialized.
        schema: folder with `schema.pbtxt` of the raw features.
        transform_graph: what `tft.TFTransformOutput` loads.
        module_file: path of a `.py` file, or an importable name.
        run_fn: name of the function in it.
        train_steps: steps, 0 for no limit.
        eval_steps: steps, 0 for no limit.
        hyperparameters: handed to the function.
        custom_config: handed to the function.
        seed: of Python, numpy and TensorFlow, 0 to 2**32 - 1.
    """

    examples: Path
    transformed_examples: Path
    schema: Path
    transform_graph: Path
    module_file: str
    run_fn: str = "run_fn"
    train_steps: int = 0
    eval_steps: int = 0
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    custom_config: dict[str, Any] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """The model's content fingerprint and the names of its signatures."""

    fingerprint: str
    signatures: tuple[str, ...]


def _check(request: TrainRequest) -> None:
    faults = Faults("train_model")
    faults.check(bool(request.module_file), "module_file", "", "name a .py file or a module")
    faults.check(bool(request.run_fn), "run_fn", "", "name a function")
    faults.check(request.train_steps >= 0, "train_steps", request.train_steps, "use 0 or more")
    faults.check(request.eval_steps >= 0, "eval_steps", request.eval_steps, "use 0 or more")
    faults.check(0 <= request.seed < 2**32, "seed", request.seed, "use 0 to 2**32 - 1")
    faults.raise_if_any()


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
    """Seed Python, numpy and TensorFlow; equal seeds give equal weights on a CPU."""
    tf.keras.utils.set_random_seed(seed)
    if not tf.config.list_physical_devices("GPU"):
        # On a GPU an operation that has no deterministic form would fail instead.
        tf.config.experimental.enable_op_determinism()


def _fn_args(request: TrainRequest, model: Path, logs: Path) -> FnArgs:
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
        hyperparameters=dict(request.hyperparameters),
        custom_config=dict(request.custom_config),
    )


def train(request: TrainRequest, model: Path, model_run: Path) -> Trained:
    """Run the user's function and publish the model it saved as `<model>/1`.

    Raises:
        ParameterError: a parameter is out of range.
        UserCodeError: the function does not load, fails, or saves no usable model.
        DataError: a split is missing, or the model answers eval rows with non-finite numbers.
    """
    _check(request)
    eval_files = examples.split_files(request.examples, "eval")
    train_files = _train_files(request)
    schema = adapter.read_schema(request.schema / "schema.pbtxt")
    run_fn = user_module.function(request.module_file, request.run_fn)
    private_tensorflow.leave_tf_keras_unconverted()
    _make_repeatable(request.seed)
    with atomic.published(model_run) as logs, atomic.published(model) as temporary:
        logs.mkdir()
        saved = temporary / VERSION
        saved.parent.mkdir()
        user_module.call(run_fn, _fn_args(request, saved, logs))
        if not (saved / "saved_model.pb").exists():
            raise UserCodeError(
                f"{request.module_file}: {request.run_fn} wrote no model to "
                "fn_args.serving_model_dir; save a SavedModel there"
            )
        signatures = check_model(saved, schema, eval_files, train_files)
        (logs / "COMPLETE").touch()  # KFP uploads no empty folder.
        return Trained(fingerprint=fingerprint.of_tree(temporary), signatures=tuple(signatures))
