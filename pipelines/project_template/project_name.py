"""What a project may be called: one name is its folder, its service and, with `_`, its module."""

import importlib.util
import keyword
import re
import sys

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown

PATTERN = re.compile(r"[a-z](-?[a-z0-9])*")
LONGEST = 40
"""`<name>-predictor-<namespace>` has at most 63 characters, which leaves the namespace 12."""
IMPORTED = frozenset(
    {"apache_beam", "keras", "keras_tuner", "pyarrow", "tensorflow_data_validation"}
    | {"tensorflow_metadata", "tensorflow_model_analysis", "tensorflow_transform", "tf_keras"}
    | {"tfx", "tfx_bsl", "data", "sample_data", "tests"}
)
"""What a project and its training import beside the packages of this environment."""


def module_of(name: str) -> str:
    """Return the name of the project's module."""
    return name.replace("-", "_")


def check(name: str) -> None:
    """Check the name of a project.

    Raises:
        ParameterError: it cannot be the name of a service and of a module; all its faults at once.
    """
    faults = Faults("init")
    likely = _likely(name)
    hint = f", as {likely}" if likely != name and PATTERN.fullmatch(likely) else ""
    remedy = f"use lower-case letters, digits and dashes between them, a letter first{hint}"
    faults.check(bool(PATTERN.fullmatch(name)), "name", name, remedy)
    faults.check(len(name) <= LONGEST, "name", name, f"use {LONGEST} characters at most")
    faults.raise_if_any()
    if _is_taken(module := module_of(name)):
        raise ParameterError(
            f"name={shown(name)}: its module {module}.py would hide Python's own or a package "
            f"that steps import; take another, as {name}-model"
        )


def _is_taken(module: str) -> bool:
    """Tell whether a module of the project's folder would stand before another of its name."""
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or module in IMPORTED:
        return True
    return importlib.util.find_spec(module) is not None


def _likely(name: str) -> str:
    """Return the nearest name that a project may have, or what is left of it."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"model-{words}" if words[:1].isdigit() else words
