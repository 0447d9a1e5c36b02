"""A library's own modules, read without the frameworks that they name.

TFDV's statistics are C++ and Arrow, but its modules also define Beam's transforms over them, so
importing one imports Beam and TensorFlow. Here such a framework is a stand-in while the modules are
read: its names may be annotated with and derived from. What is called of it is imported then, for
real; only a class that derives from one of its names cannot be made, and says so.

The modules read are the caller's alone. `sys.modules` is as before afterwards, so an import of the
same library elsewhere in the process gives the whole one.
"""

import importlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to read modules of a library.

    Attributes:
        modules: full names of those that are wanted.
        own: packages and modules that may mention a framework; what is read of them is private.
        bare: packages whose `__init__` is not run, since it imports everything.
        frameworks: names of the modules that are left out, with all below them.
        values: dotted name -> what it is, for what module bodies call and for what the caller's
            work calls all the time.
    """

    modules: Sequence[str]
    own: Collection[str]
    bare: Collection[str]
    frameworks: Collection[str]
    values: Mapping[str, object] = field(default_factory=dict)


class LeftOut(type):
    """The type of names of a framework that is left out, and of classes that derive from them."""

    origin = ""

    def __getattr__(cls, name: str) -> Any:
        """Return a name below this one."""
        if name.startswith("__"):
            raise AttributeError(name)
        return left_out(f"{cls.origin}.{name}")

    def __getitem__(cls, item: object) -> "LeftOut":
        """Stand in an annotation."""
        return cls

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        """Import the framework and call what it stands for.

        Raises:
            ImportError: it is a class that derives from a name that was left out.
        """
        if "origin" not in vars(cls):
            raise ImportError(
                f"{cls.__module__}.{cls.__qualname__} derives from {cls.origin}, which was left "
                "out here; import its library as a whole"
            )
        return _real(cls.origin)(*arguments, **named)

    def __instancecheck__(cls, instance: object) -> bool:
        """Tell whether something is of the real type; nothing is while that is not imported."""
        is_there = "origin" in vars(cls) and cls.origin.partition(".")[0] in sys.modules
        return is_there and isinstance(instance, _real(cls.origin))


def left_out(name: str) -> LeftOut:
    """Return a class that stands for the dotted name of a framework that is left out."""
    return LeftOut(name.rpartition(".")[2], (), {"origin": name, "__module__": __name__})


def _real(name: str) -> Any:
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        raise TypeError(f"{name} is used by a module that is read without it")
    module, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(_real(module), last)


class _StandIn(ModuleType):
    """A module of a framework that is left out."""

    values: Mapping[str, object]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = f"{self.__name__}.{name}"
        if full in self.values:
            return self.values[full]
        if any(each.startswith(f"{full}.") for each in self.values):
            return _stand_in(full, self.values)
        return left_out(full)


def _stand_in(name: str, values: Mapping[str, object]) -> _StandIn:
    module = _StandIn(name)
    vars(module)["values"] = values
    return module


def _is_below(name: str, packages: Iterable[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in packages)


class _Finder(MetaPathFinder, Loader):
    """Finds stand-ins for frameworks, and packages whose `__init__` does not run."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _is_below(fullname, self._recipe.frameworks):
            return ModuleSpec(fullname, self, is_package=True)
        spec = None
        if fullname in self._recipe.bare:
            spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if spec.name in self._recipe.bare:
            return None
        return _stand_in(spec.name, self._recipe.values)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""


def _is_private(name: str, module: ModuleType, recipe: Recipe) -> bool:
    """Tell whether a module is taken out of `sys.modules`; what is compiled is initialized once."""
    if _is_below(name, recipe.frameworks):
        return True
    is_source = str(getattr(module, "__file__", None) or "").endswith(".py")
    return _is_below(name, recipe.own) and is_source


@contextmanager
def _apart(recipe: Recipe) -> Iterator[dict[str, ModuleType]]:
    """Give an import system of its own; yield what ends up as private modules, at the end."""
    private: dict[str, ModuleType] = {}
    before = {n: m for n, m in list(sys.modules.items()) if _is_private(n, m, recipe)}
    for name in before:
        del sys.modules[name]
    finder = _Finder(recipe)
    sys.meta_path.insert(0, finder)
    try:
        yield private
    finally:
        sys.meta_path.remove(finder)
        read = {n: m for n, m in list(sys.modules.items()) if _is_private(n, m, recipe)}
        for name in read:
            del sys.modules[name]
        private.update({n: m for n, m in read.items() if not isinstance(m, _StandIn)})
        sys.modules.update(before)


def read(recipe: Recipe) -> dict[str, ModuleType]:
    """Return name -> module for all private modules, those of `recipe.modules` among them.

    Raises:
        ImportError: a module does not exist.
        AttributeError, TypeError: a module does more with a framework than can be left out.
    """
    with _apart(recipe) as private:
        for name in recipe.modules:
            importlib.import_module(name)
    return private
