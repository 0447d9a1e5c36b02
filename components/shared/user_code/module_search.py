"""Where a user's module finds what it imports: its own code, what is installed, or nowhere.

In Python's order, as if the module were run as a script:

    beside the module, and beside the package it lies in      the user's
    PYTHONPATH, editable installs                             the user's
    installed packages, the standard library                  elsewhere: the lock names them
    the working folder; a folder around the module            the user's

Nothing is imported: only files are looked at.
"""

import functools
import importlib.util
import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

OWN_PACKAGE = "kanaria"
TFX = "tfx"
"""Has stand-ins (`tfx_names`); a checkout around one of its examples is no code of the user's."""
COPIES = "kanaria-modules-"
"""First letters of the folder that loaded modules lie in (`user_module`)."""
INSTALLED = ("site-packages", "dist-packages")
ELSEWHERE = ModuleSpec("elsewhere", None)
"""Stands for every module that is no code of the user's."""


def is_file(spec: ModuleSpec) -> bool:
    """Tell whether the module has a file; a folder without `__init__.py` has none."""
    return bool(spec.origin) and spec.has_location


def _place(spec: ModuleSpec) -> Path | None:
    path = spec.origin if is_file(spec) else next(iter(spec.submodule_search_locations or ()), "")
    return Path(path) if path else None


def is_installed(spec: ModuleSpec) -> bool:
    """Tell whether a module comes with Python, with a package of the lock, or with Kanaria."""
    if spec.name in sys.stdlib_module_names or spec.name.partition(".")[0] == OWN_PACKAGE:
        return True
    place = _place(spec)
    if place is None or any(part in INSTALLED for part in place.parts):
        return True
    return place.resolve().is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())


def _is_copy(place: str) -> bool:
    """Tell whether a path lies in the copy of a module that this process has loaded."""
    return any(part.startswith(COPIES) for part in Path(place).parts)


@functools.lru_cache
def _importable(name: str) -> ModuleSpec | None:
    """Return what this interpreter would import under a name without dots."""
    if name in sys.builtin_module_names:
        return ModuleSpec(name, None, origin="built-in")
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__spec__ is None:  # A stand-in, or the main program.
        return ModuleSpec(name, None, origin="built-in")
    spec = importlib.util.find_spec(name)
    if spec is not None and _is_copy(str(_place(spec))):
        others = [entry for entry in sys.path if not _is_copy(entry)]
        return _spec_in(name, others)
    return spec


def _spec_in(name: str, folders: Sequence[str]) -> ModuleSpec | None:
    """Return the module of the last part of a dotted name in the folders of its package."""
    # By its whole name, a package without `__init__.py` could only be found below a loaded one.
    spec = PathFinder.find_spec(name.rpartition(".")[2], folders)
    if spec is not None and spec.submodule_search_locations is not None:
        spec.submodule_search_locations = list(dict.fromkeys(spec.submodule_search_locations))
    return spec


class ClashError(Exception):
    """Two different modules bear one name, and which one Python takes depends on chance."""


class Search:
    """Finds modules for one module of the user's."""

    def __init__(self, own: Sequence[Path], around: Sequence[Path], entry: Path | None) -> None:
        """Keep the folders.

        Args:
            own: where the module's own code lies, first come first served.
            around: where else it may lie, after all that is installed.
            entry: the module; one named like an installed module means that one where it imports
                it.
        """
        importlib.invalidate_caches()
        _importable.cache_clear()
        self._own = [str(folder) for folder in own]
        self._around = [str(folder) for folder in around]
        self._entry = entry

    def _in_a_folder_around(self, name: str) -> list[str]:
        """Return the folders that hold a folder of this name in which the module lies."""
        return [
            str(folder.parent)
            for own in map(Path, self._own)
            for folder in (own, *own.parents)
            if folder.name == name
        ]

    def top(self, name: str) -> ModuleSpec | None:
        """Return the module or package with a name without dots.

        Returns:
            Its spec where it is the user's code, ELSEWHERE where it is installed, None where it
            is nowhere.

        Raises:
            ClashError: a file of the user's and an installed module bear this name.
        """
        if name == TFX:
            return ELSEWHERE
        own = _spec_in(name, self._own)
        theirs = _importable(name)
        if own is not None and is_file(own):
            if self.is_taken(name) and theirs is not None and theirs.origin != own.origin:
                if self._entry is not None and self._entry.samefile(own.origin or ""):
                    return ELSEWHERE
                raise ClashError(
                    f"{own.origin} has the name of the installed module {name}; rename it"
                )
            return own
        if theirs is not None:
            return ELSEWHERE if is_installed(theirs) else theirs
        folders = [*self._own, *self._around, *self._in_a_folder_around(name)]
        return _spec_in(name, folders)

    def beside(self, name: str) -> Path | None:
        """Return the file of this name beside the module, None without one."""
        files = (Path(folder) / f"{name}.py" for folder in self._own)
        return next((file for file in files if file.is_file()), None)

    def importable(self, name: str) -> ModuleSpec | None:
        """Return what this interpreter imports under a name without dots, None for nothing."""
        return _importable(name)

    def is_taken(self, name: str) -> bool:
        """Tell whether an installed module bears the name."""
        theirs = _importable(name)
        return theirs is not None and is_installed(theirs)


def below(package: ModuleSpec, name: str) -> ModuleSpec | None:
    """Return the module `name` of a package of the user's, None where it has none."""
    if package is ELSEWHERE or package.submodule_search_locations is None:
        return package if package is ELSEWHERE else None
    return _spec_in(name, list(package.submodule_search_locations))
