"""The user's preprocessing_fn, made to fail with one clear line."""

import inspect
import traceback
from collections.abc import Callable
from typing import Any

from kanaria.components.shared import user_module
from kanaria.components.shared.errors import UserCodeError, shown

Features = dict[str, Any]


def place(error: BaseException, file: str) -> str:
    """Return `file:line` of the innermost frame of `error` that lies in `file`, else `file`."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f"{file}:{lines[-1]}" if lines else file


def load(module_file: str, name: str, custom_config: Features) -> Callable[[Features], Features]:
    """Return the user's function of one argument, with `custom_config` bound if it takes it.

    Raises:
        UserCodeError: the module or the function does not load.
    """
    function = user_module.function(module_file, name)
    file = inspect.getsourcefile(function) or module_file
    takes_config = "custom_config" in inspect.signature(function).parameters

    def preprocessing_fn(inputs: Features) -> Features:
        try:
            if takes_config:
                return _checked(function(inputs, custom_config), name, file)
            return _checked(function(inputs), name, file)
        except UserCodeError:
            raise
        except Exception as error:  # User code may raise anything; the cause is kept.
            raise UserCodeError(
                f"{place(error, file)}: {name} failed with {type(error).__name__}: "
                f"{shown(str(error))}"
            ) from error

    return preprocessing_fn


def _checked(outputs: Any, name: str, file: str) -> Features:
    if not isinstance(outputs, dict) or not outputs:
        raise UserCodeError(
            f"{file}: {name} returned {shown(outputs)}; return a dict of feature name to tensor"
        )
    return outputs
