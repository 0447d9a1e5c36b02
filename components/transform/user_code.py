"""The user's preprocessing_fn, made to fail with one clear line."""

import inspect
from collections.abc import Callable
from typing import Any

from kanaria.components.shared import user_module
from kanaria.components.shared.errors import UserCodeError, shown

Features = dict[str, Any]


def load(module_file: str, name: str, custom_config: Features) -> Callable[[Features], Features]:
    """Return the user's function of one argument, with `custom_config` bound if it takes it.

    Raises:
        UserCodeError: the module or the function does not load.
    """
    function = user_module.function(module_file, name)
    takes_config = "custom_config" in inspect.signature(function).parameters

    def preprocessing_fn(inputs: Features) -> Features:
        arguments = (inputs, custom_config) if takes_config else (inputs,)
        outputs = user_module.call(function, *arguments)
        if not isinstance(outputs, dict) or not outputs:
            raise UserCodeError(
                f"{module_file}: {name} returned {shown(outputs)}; "
                "return a dict of feature name to tensor"
            )
        return outputs

    return preprocessing_fn
