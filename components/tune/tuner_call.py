"""Calls the user's tuner_fn as TFX's Tuner does, and checks what it returned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.tfx_names.arguments import TunerFnResult
from kanaria.components.shared.user_code import user_module
from kanaria.components.train import private_tensorflow, run_fn_call
from kanaria.components.train.run_fn_folders import Places
from kanaria.components.tune.request import TuneRequest

TunerCall = Callable[[Path], TunerFnResult]
"""(working folder) -> what tuner_fn returns, after Python, numpy and TensorFlow were seeded anew.

All trials begin with one seed, that of the search: they differ in their hyperparameters and in
nothing else, and train_model of the same seed trains what the best one did.
"""


def prepared(request: TuneRequest) -> TunerCall:
    """Load the user's function, and return what calls it.

    Raises:
        UserCodeError: it does not load; what is returned raises it where the function fails or
            returns anything but a tuner of KerasTuner that works in `fn_args.working_dir`.
    """
    tuner_fn = user_module.function(request.module_file, request.tuner_fn)
    private_tensorflow.leave_libraries_unconverted()

    def call(folder: Path) -> TunerFnResult:
        run_fn_call.make_repeatable(request.seed)
        places = Places(saved=folder / "serving_model", logs=folder, base=None)
        result = user_module.call(tuner_fn, run_fn_call.fn_args(request.training, places))
        return _checked(result, folder, f"{request.module_file}: {request.tuner_fn}")

    return call


def _checked(result: Any, folder: Path, where: str) -> TunerFnResult:
    # Not only TunerFnResult: modules define a tuple of the same two of their own.
    tuner = getattr(result, "tuner", None)
    fit_kwargs = getattr(result, "fit_kwargs", None)
    if not isinstance(tuner, keras_tuner.engine.base_tuner.BaseTuner):
        raise UserCodeError(
            f"{where} returned {shown(result)}; return TunerFnResult(tuner=..., fit_kwargs=...) "
            "with a tuner of keras_tuner"
        )
    if not isinstance(fit_kwargs, dict):
        raise UserCodeError(f"{where}: fit_kwargs={shown(fit_kwargs)}: no dict; return one")
    if not Path(tuner.directory).resolve().is_relative_to(folder.resolve()):
        raise UserCodeError(
            f"{where}: the tuner works in directory={shown(str(tuner.directory))}, where trials of "
            "other searches may lie; make it with directory=fn_args.working_dir"
        )
    return TunerFnResult(tuner=tuner, fit_kwargs=fit_kwargs)
