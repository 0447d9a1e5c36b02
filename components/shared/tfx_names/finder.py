"""Finds the modules of the table, and files of TFX's examples that lie beside the user's."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from kanaria.components.shared.tfx_names import supported_names


class StandIn(ModuleType):
    """A module of TFX's name: what the table has, and a clear error for all else."""

    def __getattr__(self, name: str) -> object:
        """Return a module below this one.

        Raises:
            AttributeError: there is none.
        """
        full = f"{self.__name__}.{name}"
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            return importlib.import_module(full)
        except ImportError as error:
            raise AttributeError(str(error)) from error


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `tfx` and everything below it.

    Attributes:
        folder: where the user's module lies; None before one is loaded.
    """

    def __init__(self) -> None:
        """Start without a user's module."""
        self.folder: Path | None = None
        self._loaded: set[str] = set()

    def serve(self, folder: Path | None) -> None:
        """Look for files of examples in another folder; forget those of the one before."""
        if folder == self.folder:
            return
        for name in self._loaded:
            sys.modules.pop(name, None)
            package, _, last = name.rpartition(".")
            vars(sys.modules.get(package, ModuleType(package))).pop(last, None)
        self.folder, self._loaded = folder, set()

    def _file(self, name: str) -> Path | None:
        """Return the file of an example's module, which lies beside the user's."""
        beside = supported_names.beside(name)
        file = self.folder / f"{beside}.py" if self.folder and beside else None
        return file if file and file.is_file() else None

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how to load a module below `tfx`.

        Raises:
            MissingNameError: there is no such name. (`from package import name` would swallow a
                ModuleNotFoundError, and with it what to do.)
        """
        if fullname.partition(".")[0] != supported_names.TOP:
            return None
        file = self._file(fullname)
        if file is not None:
            self._loaded.add(fullname)
            return importlib.util.spec_from_file_location(fullname, file)
        if fullname not in supported_names.packages() and not supported_names.is_copied(fullname):
            raise supported_names.MissingNameError(supported_names.advice(fullname), name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return an empty stand-in."""
        return StandIn(spec.name, f"Kanaria's stand-in for {spec.name}.")

    def exec_module(self, module: ModuleType) -> None:
        """Give the stand-in the names of the table."""
        vars(module).update(supported_names.NAMES.get(module.__name__, {}))


FINDER = Finder()


def is_in_use() -> bool:
    """Tell whether these names are imported, and not TFX itself."""
    return FINDER in sys.meta_path


def install(folder: Path | None = None) -> None:
    """Make TFX's names importable for a module that lies in `folder`, unless TFX itself is."""
    if not is_in_use():
        real = importlib.util.find_spec(supported_names.TOP)
        if real is not None and real.has_location:
            return
        sys.meta_path.insert(0, FINDER)  # Before the finder that takes any folder for a package.
    FINDER.serve(folder)
