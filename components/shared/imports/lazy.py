"""Modules that are imported when something of them is first used.

A library imports more than its user needs: TensorFlow a client of Google Cloud, Beam a driver of
MongoDB. Inside `deferred` such a module becomes a `LazyModule`, which imports the real one at the
first attribute that is asked of it, and hands on to it from then on. Nothing is left out and
nothing is imitated. Afterwards `sys.modules` holds none of them, so whoever imports such a module
later, as a user's code, gets the real one at once.
"""

import importlib
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Union

from kanaria.components.shared.imports import post_import_hooks


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is put off.

    Attributes:
        modules: full names; what lies below one is put off too.
        names: module -> names of it that module bodies mention, as in annotations, or import by
            `from`, and use no further; they are put off as well.
        constants: module -> numbers of it that module bodies take, which must be its own.
        exported: module of `modules` -> package whose body takes all its names by `import *`; the
            package finds them when they are asked of it.
        followers: module -> module to import once the first is imported; see `post_import_hooks`.
    """

    modules: Collection[str]
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    constants: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    exported: Mapping[str, str] = field(default_factory=dict)
    followers: Mapping[str, str] = field(default_factory=dict)


class LazyModule(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Import the module and return its attribute."""
        if name.startswith("__") and name not in ("__all__", "__version__"):
            # Whoever looks through all modules for, say, __warningregistry__, uses none of them.
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} yet")
        finder = _finder(self)
        put_off = finder.put_off(self.__name__, name)
        return getattr(finder.real(self.__name__), name) if put_off is None else put_off

    def __setattr__(self, name: str, value: object) -> None:
        """Set what the import system sets here, everything else on the module itself."""
        if name.startswith("__") or isinstance(value, LazyModule):
            super().__setattr__(name, value)
        else:
            setattr(_finder(self).real(self.__name__), name, value)

    def __delattr__(self, name: str) -> None:
        """Delete what the import system has set here, everything else on the module itself."""
        if name in vars(self):
            super().__delattr__(name)
        else:
            delattr(_finder(self).real(self.__name__), name)

    def __dir__(self) -> list[str]:
        """Import the module and list its names."""
        return dir(_finder(self).real(self.__name__))

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Travel by name."""
        return importlib.import_module, (self.__name__,)


class DeferredName:
    """Stands for a name of a module that is not imported yet; any use of it imports the module."""

    def __init__(self, finder: "_Finder", module: str, path: str) -> None:
        """Remember where it is.

        Args:
            finder: what put it off.
            module: full name of the module.
            path: the name in it, dotted below a class.
        """
        self._finder, self._module, self._path = finder, module, path
        # Beam takes the list of parameters of pandas' functions out of their documentation.
        self.__doc__ = f"Parameters\n----------\nThose of {module}.{path}."

    def _resolved(self) -> Any:
        value: Any = self._finder.real(self._module)
        for name in self._path.split("."):
            value = getattr(value, name)
        return value

    def __getattr__(self, name: str) -> Any:
        """Return an attribute; while modules are put off, one that is put off too."""
        if name.startswith("__"):
            raise AttributeError(f"{self._module}.{self._path} has no attribute {name!r} yet")
        if self._finder.is_open:
            return DeferredName(self._finder, self._module, f"{self._path}.{name}")
        return getattr(self._resolved(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call what it stands for."""
        return self._resolved()(*arguments, **named)

    def __or__(self, other: Any) -> Any:
        """Stand in an annotation."""
        return Union[self, other]  # noqa: UP007  This very operator is what is defined here.

    __ror__ = __or__

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[Any, ...]:
        """Be the class it stands for, where a class derives from it."""
        return (self._resolved(),)

    def __instancecheck__(self, instance: object) -> bool:
        """Tell whether something is an instance of what it stands for."""
        return isinstance(instance, self._resolved())

    def __subclasscheck__(self, subclass: type) -> bool:
        """Tell whether a class derives from what it stands for."""
        return issubclass(subclass, self._resolved())

    def __reduce__(self) -> tuple[Any, tuple[Any, str]]:
        """Travel as what it stands for."""
        return getattr, (_Named(self._module), self._path)


class _Named:
    """A module that travels by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return importlib.import_module, (self.name,)


def _finder(lazy: LazyModule) -> "_Finder":
    assert lazy.__spec__ is not None
    finder = lazy.__spec__.loader
    assert isinstance(finder, _Finder)
    return finder


class _Finder(MetaPathFinder, Loader):
    """Finds the modules of a plan, and gives lazy ones for them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.is_open = True
        self.used: set[str] = set()

    def _root(self, name: str) -> str | None:
        """Return the module of the plan that `name` is or lies below, unless that was used."""
        parts = name.split(".")
        above = (".".join(parts[:size]) for size in range(1, len(parts) + 1))
        return next((each for each in above if each in self.plan.modules), None)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root = self._root(fullname)
        if not self.is_open or root is None or root in self.used:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:  # It is not installed, and says so as ever.
            return None
        places = spec.submodule_search_locations
        lazy = ModuleSpec(fullname, self, origin=spec.origin, is_package=places is not None)
        lazy.submodule_search_locations = places
        return lazy

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return LazyModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: that is the point."""

    def put_off(self, module: str, name: str) -> object | None:
        """Return what stands for a name of a lazy module; None where the module is needed."""
        if not self.is_open:
            return None
        if name in self.plan.names.get(module, ()):
            return DeferredName(self, module, name)
        if name == "__all__" and module in self.plan.exported:
            return ()
        return self.plan.constants.get(module, {}).get(name)

    def real(self, name: str) -> ModuleType:
        """Import a module that was put off."""
        root = self._root(name) or name
        if root not in self.used:
            self.used.add(root)
            self.forget(root)
        return importlib.import_module(name)

    def forget(self, root: str) -> None:
        """Take the lazy modules at and below `root` out of where imports look."""
        names = [name for name in sys.modules if name == root or name.startswith(f"{root}.")]
        for name in names:
            if isinstance(sys.modules[name], LazyModule):
                del sys.modules[name]
        package, _, last = root.rpartition(".")
        parent = sys.modules.get(package)
        if parent is not None and isinstance(vars(parent).get(last), LazyModule):
            delattr(parent, last)

    def close(self) -> None:
        self.is_open = False
        for root in self.plan.modules:
            self.forget(root)
        for package in set(self.plan.exported.values()) & set(sys.modules):
            names = [module for module, to in self.plan.exported.items() if to == package]
            _find_exported(sys.modules[package], names)
        for module, follower in self.plan.followers.items():
            post_import_hooks.follow(module, follower)


def _find_exported(package: ModuleType, modules: Sequence[str]) -> None:
    """Let a package find names of the modules whose names its body was to take."""
    before = getattr(package, "__getattr__", None)

    def find(name: str) -> Any:
        for module in modules if not name.startswith("__") else ():
            real = importlib.import_module(module)
            if name in getattr(real, "__all__", ()):
                return getattr(real, name)
        if before is not None:
            return before(name)
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    package.__getattr__ = find  # type: ignore[method-assign]


@contextmanager
def deferred(plan: Plan) -> Iterator[None]:
    """Put off the modules of `plan` that what is imported in the block imports.

    A module that is there already is not put off.
    """
    finder = _Finder(plan)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        finder.close()
