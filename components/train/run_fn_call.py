"""Calls the user's run_fn as TFX's Trainer does: in the step itself, or in one of its workers."""

from pathlib import Path

import tensorflow as tf
import tensorflow_transform  # noqa: F401  It decides what tf.keras means, before user code asks.

from kanaria.components.shared.data import examples
from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.shared.frameworks import model_files
from kanaria.components.shared.tfx_names import FnArgs
from kanaria.components.shared.user_code import user_module
from kanaria.components.train import precision, private_tensorflow
from kanaria.components.train.data_accessor import DATA_ACCESSOR
from kanaria.components.train.diagnosis import with_remedy
from kanaria.components.train.request import TrainRequest
from kanaria.components.train.run_fn_folders import Places, Run


def source(request: TrainRequest) -> Path:
    """Return the examples that run_fn reads: the transformed ones where they hold rows."""
    if examples.is_materialized(request.transformed_examples):
        return request.transformed_examples
    return request.examples


def train_files(request: TrainRequest) -> list[Path]:
    """Return every file that may hold the cause of a bad model, raw rows and transformed ones."""
    sources = dict.fromkeys((request.examples, source(request)))
    return [file for one in sources for file in examples.split_files(one, "train")]


def transformed_files(request: TrainRequest, split: str) -> list[Path]:
    """Return the files of a split that run_fn reads if they are transformed ones, else none."""
    is_raw = source(request) == request.examples
    return [] if is_raw else examples.split_files(request.transformed_examples, split)


def _patterns(request: TrainRequest, split: str) -> list[str]:
    return [examples.split_pattern(source(request), split)]


def make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow; equal seeds give equal weights on a CPU.

    On a GPU they give nearly equal ones: sums there have no fixed order.
    """
    tf.keras.utils.set_random_seed(seed)
    if not tf.config.list_physical_devices("GPU"):
        # On a GPU an operation that has no deterministic form would fail instead.
        tf.config.experimental.enable_op_determinism()


def fn_args(request: TrainRequest, places: Places) -> FnArgs:
    """Return what the user's function is called with."""
    schema, graph = str(request.schema / "schema.pbtxt"), str(request.transform_graph)
    return FnArgs(
        working_dir=str(places.logs),
        train_files=_patterns(request, "train"),
        eval_files=_patterns(request, "eval"),
        train_steps=request.train_steps or None,
        eval_steps=request.eval_steps or None,
        schema_path=schema,
        schema_file=schema,
        transform_graph_path=graph,
        transform_output=graph,
        data_accessor=DATA_ACCESSOR,
        serving_model_dir=str(places.saved),
        eval_model_dir=str(places.logs / "eval_model"),
        model_run_dir=str(places.logs),
        base_model=str(places.base) if places.base else None,
        hyperparameters=dict(request.hyperparameters),
        custom_config=dict(request.custom_config),
    )


def prepared(request: TrainRequest) -> Run:
    """Load the user's function, and return what calls it in this process.

    Raises:
        UserCodeError: it does not load; what is returned raises it where the function fails or
            saves no model.
    """
    run_fn = user_module.function(request.module_file, request.run_fn)
    private_tensorflow.leave_libraries_unconverted()
    precision.keep_transform_in_its_types()
    make_repeatable(request.seed)

    def run(places: Places) -> None:
        places.saved.parent.mkdir(parents=True, exist_ok=True)
        try:
            with precision.policy(request.precision):
                user_module.call(run_fn, fn_args(request, places))
        except UserCodeError as error:
            raise with_remedy(error, train_files(request)) from error.__cause__
        try:
            model_files.locate(places.saved)
        except DataError as error:
            raise UserCodeError(
                f"{request.module_file}: {request.run_fn} wrote no model to "
                f"fn_args.serving_model_dir: {error}"
            ) from error

    return run
