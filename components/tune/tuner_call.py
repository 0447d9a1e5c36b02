"""Calls the user's tuner_fn as TFX's Tuner does, and checks what it returned."""

import hashlib
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

TunerCall = Callable[[Path, str], TunerFnResult]
"""(working folder, trial or "") -> what tuner_fn returns, seeded for that trial."""


def seed_of(seed: int, trial: str) -> int:
    """Return the seed of one trial, 0 to 2**32 - 1, whatever ran before it; "" is the search's."""
    if not trial:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}:{trial}".encode()).digest()[:4], "big")


def prepared(request: TuneRequest) -> TunerCall:
    """Load the user's function, and return what calls it.

    Raises:
        UserCodeError: it does not load; what is returned raises it where the function fails or
            returns anything but a tuner of KerasTuner that works in `fn_args.working_dir`.
    """
    tuner_fn = user_module.function(request.module_file, request.tuner_fn)
    private_tensorflow.leave_libraries_unconverted()

    def call(folder: Path, trial: str) -> TunerFnResult:
        run_fn_call.make_repeatable(seed_of(request.seed, trial))
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
