"""Loads a user's module: a file, an archive of one (also remote), or an importable name.

A file or an archive is loaded from a folder that holds the module's closure alone
(`module_closure`), first on Python's path: what it imports is found wherever the step runs, and
nothing else of the user's is. One such module is loaded at a time.
"""

import functools
import importlib
import inspect
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from kanaria.components.shared import exception_cause, tfx_names
from kanaria.components.shared.errors import DataError, KanariaError, UserCodeError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.components.shared.tfx_names import missing_names
from kanaria.components.shared.user_code import module_archive, module_closure
from kanaria.components.shared.user_code.module_closure import Closure
from kanaria.components.shared.user_code.module_search import COPIES


@functools.cache
def _copies() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that lasts as long as the process: tracebacks read the source's lines."""
    return tempfile.TemporaryDirectory(prefix=COPIES)


_ORIGINS: dict[str, str] = {}
"""File in a folder of copies -> how messages name it."""


def _place(file: str) -> str:
    return _ORIGINS.get(file, file)


def _path(module_file: str) -> Path:
    """Return the path of a module or of its archive, or that of a copy of a remote one."""
    if not uri_files.is_remote(module_file):
        return uri_files.local_path(module_file)
    # A folder of its own: Python tells cached bytecode of one path apart only by the second.
    folder = Path(tempfile.mkdtemp(dir=_copies().name))
    try:
        return uri_files.fetched(module_file, folder)
    except DataError as error:
        raise UserCodeError(f"module_file={shown(module_file)}: no such file; check it") from error


def is_file(module_file: str) -> bool:
    """Tell whether a `module_file` names a file and not an importable module."""
    return module_file.endswith((".py", module_archive.ENDING))


def closure(module_file: str) -> Closure:
    """Return the code of a module that is no archive.

    Raises:
        UserCodeError: it does not exist, or is no Python.
        ParameterError: the URI is malformed, or its store refuses.
        NotReadyError: its store does not answer.
    """
    if not is_file(module_file):
        return module_closure.of_name(module_file)
    path = _path(module_file)
    if not path.is_file():
        raise UserCodeError(f"module_file={shown(str(path))}: no such file; give its path")
    return module_closure.of_file(path)


def fingerprint(module_file: str) -> str:
    """Return 64 hexadecimal digits that name the module's code, with all of the user's it needs.

    Raises:
        KanariaError: as `closure` does.
    """
    if module_file.endswith(module_archive.ENDING):
        return uri_files.sha256(module_file)
    return closure(module_file).fingerprint


def _forget(root: Path) -> None:
    """Take the module loaded before off Python's path, and what `root` holds out of its memory."""
    copies = f"{_copies().name}/"
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(copies)]
    names = (path.relative_to(root).parts[0] for path in root.rglob("*.py"))
    anew = {name.removesuffix(".py") for name in names}
    loaded = list(sys.modules.copy().items())  # Another thread may import meanwhile.
    old = [name for name, module in loaded if _lies_below(copies, module)]
    for name in [*old, *(name for name, _ in loaded if name.partition(".")[0] in anew)]:
        sys.modules.pop(name, None)


def _lies_below(folder: str, module: ModuleType) -> bool:
    # To ask a lazy module for an attribute would load it, and not all that is there is a module.
    attributes = getattr(module, "__dict__", {})
    places = [attributes.get("__file__"), *(attributes.get("__path__") or ())]
    return any(str(place).startswith(folder) for place in places if place)


def _load_file(module_file: str) -> ModuleType:
    path = _path(module_file)
    root = Path(tempfile.mkdtemp(dir=_copies().name))
    if module_file.endswith(module_archive.ENDING):
        if not path.is_file():
            raise UserCodeError(f"module_file={shown(str(path))}: no such file; check it")
        entry = module_archive.extract(path, root)
        names = [file.relative_to(root) for file in root.rglob("*") if file.is_file()]
        _ORIGINS.update((str(root / name), str(name)) for name in names)
    else:
        entry = _copy(closure(str(path)), root)
    _forget(root)
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    tfx_names.install(root.joinpath(*entry.split(".")[:-1]))
    return importlib.import_module(entry)


def _copy(closure: Closure, root: Path) -> str:
    """Write a closure below `root`; return the name to import."""
    for name, content in closure.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        _ORIGINS[str(root / name)] = str(closure.origins[name])
    return closure.entry


def _load_name(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    tfx_names.install(Path(spec.origin).parent if spec and spec.origin else None)
    return importlib.import_module(name)


def load(module_file: str) -> ModuleType:
    """Import the module at a path or URI ending in `.py` or `.zip`, or by its dotted name.

    TFX modules find the TFX names they import (`kanaria.components.shared.tfx_names`).

    Raises:
        UserCodeError: it does not exist, has a syntax error, or fails while importing.
        ParameterError: the URI is malformed, or its store refuses.
        NotReadyError: its store does not answer.
    """
    load = _load_file if is_file(module_file) else _load_name
    return _imported(module_file, functools.partial(load, module_file))


def _missing_names(error: tfx_names.MissingNameError, module_file: str) -> str:
    """Return one line on every name of TFX that the file which was running imports in vain."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename in _ORIGINS]
    if not own:
        return f"{module_file}: {error}"
    place = _place(own[-1].filename)
    faults = missing_names.import_faults(Path(own[-1].filename).read_bytes())
    return "; ".join(f"{place}:{line}: {fault}" for line, fault in faults) or (
        f"{place}:{own[-1].lineno}: {error}"
    )


def _imported(module_file: str, load: Callable[[], ModuleType]) -> ModuleType:
    """Call `load`; what it raises becomes one clear line."""
    try:
        return load()
    except SyntaxError as error:
        place = f"{_place(error.filename or module_file)}:{error.lineno}"
        raise UserCodeError(
            f"{place}: {error.msg} in {shown((error.text or '').strip())}; correct the module"
        ) from error
    except KanariaError:
        raise
    except tfx_names.MissingNameError as error:
        raise UserCodeError(_missing_names(error, module_file)) from error
    except (Exception, SystemExit) as error:  # User code may raise anything; the cause is kept.
        raise UserCodeError(
            f"{module_file}: importing it failed with {exception_cause.summary(error)}"
        ) from error


def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a user's function; what it raises becomes one clear line.

    Raises:
        UserCodeError: the function raised; its file, line, error type and message are named.
    """
    file = inspect.getsourcefile(function) or "<module>"
    try:
        return function(*arguments, **named)
    except (Exception, SystemExit) as error:  # User code may raise anything; the cause is kept.
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if f.filename == file or _place(f.filename) != f.filename]
        place = f"{_place(own[-1].filename)}:{own[-1].lineno}" if own else _place(file)
        raise UserCodeError(
            f"{place}: {function.__name__} failed with {exception_cause.summary(error)}"
        ) from error


def _check_tfx_names(module: ModuleType, name: str) -> None:
    file = getattr(module, "__file__", None) or ""
    if not file.endswith(".py") or not tfx_names.is_in_use():
        return
    faults = missing_names.function_faults(Path(file).read_bytes(), name)
    if faults:
        raise UserCodeError("; ".join(f"{_place(file)}:{line}: {fault}" for line, fault in faults))


def function(module_file: str, name: str) -> Callable[..., Any]:
    """Return the callable `name` of the user's module.

    Raises:
        UserCodeError: the module cannot be loaded, has no such function, or the function uses
            names of TFX that Kanaria does not have; every such name is told.
    """
    module = load(module_file)
    attribute = getattr(module, name, None)
    if not callable(attribute):
        raise UserCodeError(f"{module_file}: no function {shown(name)}; define `def {name}(...)`")
    _check_tfx_names(module, name)
    return attribute
