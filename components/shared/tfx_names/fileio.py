"""TFX's `fileio`: files of this machine by Python's own functions, others by TensorFlow's gfile."""

import builtins
import functools
import glob as globbing
import importlib
import os
import shutil
from collections.abc import Callable
from typing import Any

NotFoundError = FileNotFoundError


def _new(destination: Any, overwrite: bool) -> None:
    """Raise FileExistsError if something is there that must stay."""
    if not overwrite and os.path.exists(destination):  # noqa: PTH110  Paths may be bytes, as TFX's.
        raise FileExistsError(f"{destination!r} exists; pass overwrite=True to replace it")


def _copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    _new(dst, overwrite)
    shutil.copyfile(src, dst)


def _rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    _new(dst, overwrite)
    os.replace(src, dst)  # noqa: PTH105


def _either(local: Callable[..., Any], remote: str) -> Callable[..., Any]:
    """Return a function of a path: `local` for this machine, else gfile's function `remote`."""

    @functools.wraps(local)
    def call(path: Any, *arguments: Any, **named: Any) -> Any:
        if "://" not in os.fsdecode(path):
            return local(path, *arguments, **named)
        tensorflow = importlib.import_module("tensorflow")
        try:
            return getattr(tensorflow.io.gfile, remote)(path, *arguments, **named)
        except tensorflow.errors.NotFoundError as error:
            raise NotFoundError(str(error)) from error

    return call


open = _either(builtins.open, "GFile")
copy = _either(_copy, "copy")
exists = _either(os.path.exists, "exists")
glob = _either(globbing.glob, "glob")
isdir = _either(os.path.isdir, "isdir")
listdir = _either(os.listdir, "listdir")
makedirs = _either(functools.partial(os.makedirs, exist_ok=True), "makedirs")
mkdir = _either(os.mkdir, "mkdir")
remove = _either(os.remove, "remove")
rename = _either(_rename, "rename")
rmtree = _either(shutil.rmtree, "rmtree")
stat = _either(os.stat, "stat")
walk = _either(os.walk, "walk")
