"""Loads a user's module (a file, also a remote one, or an importable name); takes one function."""

import functools
import importlib
import importlib.util
import inspect
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from kanaria.components.shared import fingerprint, storage, tfx_names
from kanaria.components.shared.errors import DataError, UserCodeError, shown
from kanaria.components.shared.tfx_names import uses


@functools.cache
def _copies() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that lasts as long as the process: tracebacks read the source's lines."""
    return tempfile.TemporaryDirectory(prefix="kanaria-modules-")


def _path(module_file: str) -> Path:
    """Return the module's path, or that of a copy of a remote module."""
    if not storage.is_remote(module_file):
        return storage.local_path(module_file)
    # A folder of its own: Python tells cached bytecode of one path apart only by the second.
    folder = Path(tempfile.mkdtemp(dir=_copies().name))
    try:
        return storage.fetched(module_file, folder)
    except DataError as error:
        raise UserCodeError(f"module_file={shown(module_file)}: no such file; check it") from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserCodeError(f"module_file={shown(str(path))}: no such file; give its path")
    tfx_names.install(path.resolve().parent)
    # The name carries the content, so two modules of one file name do not collide.
    name = f"kanaria_user_{path.stem}_{fingerprint.of_file(path)[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserCodeError(f"module_file={shown(str(path))}: not a Python file; use *.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_name(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    tfx_names.install(Path(spec.origin).parent if spec and spec.has_location else None)
    return importlib.import_module(name)


def load(module_file: str) -> ModuleType:
    """Import the module at a path or URI ending in `.py`, or by its importable dotted name.

    TFX modules find the TFX names they import (`kanaria.components.shared.tfx_names`).

    Raises:
        UserCodeError: it does not exist, has a syntax error, or fails while importing.
        ParameterError: the URI is malformed, or its store refuses.
        NotReadyError: its store does not answer.
    """
    if not module_file.endswith(".py"):
        return _imported(module_file, functools.partial(_load_name, module_file))
    path = _path(module_file)
    return _imported(module_file, functools.partial(_load_file, path), str(path))


def _line(file: str, error: BaseException) -> str:
    """Return `:line` of the innermost line of `file` that was running, or ""."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f":{lines[-1]}" if lines else ""


def _imported(module_file: str, load: Callable[[], ModuleType], file: str = "") -> ModuleType:
    """Call `load`; what it raises becomes one clear line, with the line of `file` that raised."""
    try:
        return load()
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}"
        raise UserCodeError(
            f"{place}: {error.msg} in {shown((error.text or '').strip())}; correct the module"
        ) from error
    except UserCodeError:
        raise
    except tfx_names.MissingNameError as error:
        faults = uses.import_faults(Path(file).read_bytes()) if file else []
        told = [f"{module_file}:{line}: {fault}" for line, fault in faults]
        place = f"{module_file}{_line(file, error)}"
        raise UserCodeError("; ".join(told) or f"{place}: {error}") from error
    except Exception as error:  # User code may raise anything; the cause is kept.
        raise UserCodeError(
            f"{module_file}{_line(file, error)}: importing it failed with "
            f"{type(error).__name__}: {shown(str(error))}"
        ) from error


def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a user's function; what it raises becomes one clear line.

    Raises:
        UserCodeError: the function raised; its file, line, error type and message are named.
    """
    file = inspect.getsourcefile(function) or "<module>"
    try:
        return function(*arguments, **named)
    except Exception as error:  # User code may raise anything; the cause is kept.
        raise UserCodeError(
            f"{file}{_line(file, error)}: {function.__name__} failed with {type(error).__name__}: "
            f"{shown(str(error))}"
        ) from error


def _check_tfx_names(module: ModuleType, module_file: str, name: str) -> None:
    path = Path(getattr(module, "__file__", None) or "")
    faults = uses.function_faults(path.read_bytes(), name) if path.suffix == ".py" else []
    if faults:
        raise UserCodeError("; ".join(f"{module_file}:{line}: {fault}" for line, fault in faults))


def function(module_file: str, name: str) -> Callable[..., Any]:
    """Return the callable `name` of the user's module.

    Raises:
        UserCodeError: the module cannot be loaded, has no such function, or the function uses
            names of TFX that Kanaria does not have; every such name is told.
    """
    module = load(module_file)
    found = getattr(module, name, None)
    if not callable(found):
        raise UserCodeError(f"{module_file}: no function {shown(name)}; define `def {name}(...)`")
    _check_tfx_names(module, module_file, name)
    return found
