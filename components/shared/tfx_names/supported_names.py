"""Which TFX names there are, and what to do about the others."""

import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from kanaria.components.shared.tfx_names import arguments, fileio, io_utils, rewriting


def _public(module: ModuleType, *names: str) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names}


TOP = "tfx"

_ARGUMENTS = _public(arguments, "FnArgs", "DataAccessor")
_TUNER = _public(arguments, "TunerFnResult")
_STATS = _public(arguments, "StatsType")
_FILES = _public(
    fileio,
    *("open", "copy", "exists", "glob", "isdir", "listdir", "makedirs", "mkdir"),
    *("remove", "rename", "rmtree", "stat", "walk", "NotFoundError"),
)
_IO_UTILS = _public(
    io_utils,
    *("parse_pbtxt_file", "write_pbtxt_file", "parse_json_file", "SchemaReader"),
    *("read_string_file", "write_string_file", "read_bytes_file", "write_bytes_file"),
)

NAMES: Mapping[str, Mapping[str, Any]] = {
    "tfx.v1.components": _ARGUMENTS | _TUNER,
    "tfx.v1.dsl.io.fileio": _FILES,
    "tfx.v1.utils": _public(io_utils, "parse_pbtxt_file"),
    "tfx.components": _ARGUMENTS | _TUNER,
    "tfx.components.trainer.fn_args_utils": _ARGUMENTS,
    "tfx.components.trainer.executor": {"TrainerFnArgs": arguments.FnArgs},
    "tfx.components.trainer.rewriting.converters": _public(rewriting, "rewrite_saved_model"),
    "tfx.components.trainer.rewriting.rewriter": _public(rewriting, "ModelType"),
    "tfx.components.trainer.rewriting.rewriter_factory": _public(
        rewriting, "create_rewriter", "TFLITE_REWRITER"
    ),
    "tfx.components.tuner.component": _TUNER,
    "tfx.components.transform.stats_options_util": _STATS,
    "tfx.dsl.io.fileio": _FILES,
    "tfx.utils.io_utils": _IO_UTILS,
}
"""Module -> name -> what it is here. The packages above these modules exist too."""

_SAVED_MODEL = "models are SavedModels here: save one to fn_args.serving_model_dir"
_PIPELINE = (
    "keep pipelines out of the module: `kanaria run` and `kanaria.components` take their place"
)
_REMEDIES = {
    "tfx.components.trainer.rewriting": _SAVED_MODEL,
    "tfx.examples": "put the file beside the module",
    "tfx.experimental.templates": "put the file beside the module",
    "tfx.utils": "put what it does into the module",
    "tfx": _PIPELINE,
}
"""Beginning of a dotted name -> what its user does instead."""


class MissingNameError(ImportError):
    """A TFX name that is not here was imported; the message says what to do instead."""


def packages() -> set[str]:
    """Return the names of all modules of the table and of the packages above them."""
    parts = [name.split(".") for name in NAMES]
    return {".".join(split[:end]) for split in parts for end in range(1, len(split) + 1)}


def advice(name: str) -> str:
    """Return what is said about a dotted name that is not here."""
    above = next(prefix for prefix in _REMEDIES if name.startswith(prefix))
    return f"{name}: Kanaria has no such name of TFX; {_REMEDIES[above]}"


def fault(name: str) -> str:
    """Return the advice on a dotted name of TFX, or "" for one that is here.

    What follows a name of a module (`tfx.v1.components.FnArgs.x`) is not looked at, nor what
    users copy from TFX's examples.
    """
    parts, modules = name.split("."), packages()
    for end in range(1, len(parts) + 1):
        module, last = ".".join(parts[: end - 1]), parts[end - 1]
        if last in NAMES.get(module, {}) or last.startswith("__") or is_copied(module):
            return ""
        here = ".".join(parts[:end])
        if here not in modules and not is_copied(here):
            return advice(here)
    return ""


_COPIED = re.compile(
    r"tfx\.(examples(\.\w+|\.bert\.utils)?"
    r"|experimental(\.templates(\.\w+(\.models(\.keras_model)?)?)?)?)"
)


def is_copied(package: str) -> bool:
    """Tell whether it is a package of TFX whose modules users copy."""
    return _COPIED.fullmatch(package) is not None


def beside(name: str) -> str:
    """Return the name, beside the user's module, of a module of TFX's examples; else ""."""
    package, _, last = name.rpartition(".")
    return last if is_copied(package) and not is_copied(name) else ""
