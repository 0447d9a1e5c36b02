"""Modules that are imported when another one has been, whoever imports it and whenever.

For what makes two libraries known to each other, so that the one is not imported for the other's
sake alone.
"""

import importlib
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def follow(module: str, follower: str) -> None:
    """Import `follower` after `module`: now if that is there, else when it comes.

    It stays out as long as its own package is not imported.
    """
    FINDER.followers.setdefault(module, {})[follower] = None
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)
    if module in sys.modules:
        _import_all([follower])


def _import_all(names: Iterable[str]) -> None:
    for name in names:
        if name.rpartition(".")[0] in sys.modules:
            importlib.import_module(name)


class _Finder(MetaPathFinder):
    """Finds a module that is followed as ever, with a loader that goes on to its followers."""

    def __init__(self) -> None:
        self.followers: dict[str, dict[str, None]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = None
        if fullname in self.followers:
            spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.followers[fullname])
        return spec


class _Loader(Loader):
    """Loads a module as its own loader does, then imports its followers."""

    def __init__(self, loader: Loader, followers: Iterable[str]) -> None:
        self._loader, self._followers = loader, followers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _import_all(self._followers)


FINDER = _Finder()
