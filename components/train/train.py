"""The work of train_model."""

import logging
from dataclasses import replace
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import examples
from kanaria.components.shared.data.schema_file import read_schema
from kanaria.components.shared.engines.compute_mapping import TRAINING_WORKERS
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.components.shared.storage import atomic
from kanaria.components.train import (
    background_rows,
    base_model,
    check_array_model,
    devices,
    model_layout,
    model_run,
    run_fn_call,
    worker_supervisor,
)
from kanaria.components.train.check_model import check_model
from kanaria.components.train.request import Trained, TrainRequest, check
from kanaria.components.train.run_fn_folders import Places, Run
from kanaria.components.train.training_key import training_key

logger = logging.getLogger(__name__)
VERSION = "1"
"""Folder name of a SavedModel: TF Serving wants an integer below the model's base path."""


def _key(request: TrainRequest, base: Path | None) -> str:
    """Return the key of the checkpoints; "" where none outlives the step, as it costs reading."""
    if not request.model_run_dir:
        return ""
    folders = [
        request.examples,
        run_fn_call.source(request),
        request.schema,
        request.transform_graph,
    ]
    names = ("run_fn", "train_steps", "eval_steps", "hyperparameters", "custom_config", "seed")
    settings = {name: getattr(request, name) for name in (*names, "precision", TRAINING_WORKERS)}
    return training_key([*folders, *([base] if base else [])], request.module_file, settings)


def _prepared(request: TrainRequest) -> Run:
    count = request.training_workers
    return (
        run_fn_call.prepared(request) if count == 1 else worker_supervisor.prepared(request, count)
    )


def train(request: TrainRequest, model: Path, logs: Path, run: Run | None = None) -> Trained:
    """Run the user's function and publish the model it saved, see `model_layout`.

    Args:
        request: what to train on and how.
        model: folder to publish.
        logs: folder for what the function logs, or for the name of the place it is in.
        run: what trains, where that is not this process or the workers that it starts.

    Raises:
        ParameterError: a parameter is out of range, this process was given a GPU that TensorFlow
            does not see, or the machine cannot hold the workers.
        UserCodeError: the function does not load, fails, or saves no usable model.
        DataError: a split is missing, `base_model` is no release, or the model answers eval rows
            with non-finite numbers.
        NotReadyError: the store of `base_model` or `model_run_dir` does not answer, or a worker was
            killed again and again.
    """
    check(request)
    devices.let_memory_grow()
    devices.check()
    logger.info("Training on %s.", devices.used())
    eval_files = examples.split_files(request.examples, "eval")
    train_files = run_fn_call.train_files(request)
    schema = read_schema(request.schema / "schema.pbtxt")
    run = run or _prepared(request)
    # The model is published first: until it is, its checkpoints are needed.
    with (
        base_model.opened(request.base_model, request.verify_key) as base,
        model_run.opened(request.model_run_dir, logs, _key(request, base), request.seed) as started,
        atomic.published(model) as temporary,
    ):
        saved = temporary / VERSION
        run(Places(saved=saved, logs=started.folder, base=base))
        files = model_layout.settle(temporary, saved)
        if files.framework is Framework.TENSORFLOW:
            checked = check_model(saved, schema, eval_files, train_files)
        else:
            transformed = run_fn_call.transformed_files(request, "eval")
            checked = check_array_model.check(files, schema, eval_files, transformed)
        raw_files = examples.split_files(request.examples, "train")
        background = background_rows.drawn(checked.samples, checked.optional, raw_files)
        return Trained(
            framework=files.framework,
            fingerprint=fingerprint.of_tree(temporary),
            signatures=checked.signatures,
            samples=replace(checked.samples, background=background),
            device=devices.used(),
        )
