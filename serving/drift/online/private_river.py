"""River's ADWIN without the rest of river, which imports pandas and scikit-learn.

Rule: private names of river are used here and nowhere else. The whole of river takes seconds and
100 MB of memory to import, and its pandas 40 MB of the control image, which leaves it out.
"""

from collections.abc import Iterable
from functools import cache
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from typing import Any

MODULE = "river.drift.adwin_c"
SETTINGS = {"clock": 32, "max_buckets": 5, "min_window_length": 5, "grace_period": 10}
"""The defaults of `river.drift.ADWIN`."""


def _compiled_module() -> tuple[ModuleSpec, Loader]:
    """Return where the module is and what loads it; packages above are only looked through."""
    folders, name = None, ""
    for part in MODULE.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, folders)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"no module named {name!r}", name=name)
        module, folders = (spec, spec.loader), spec.submodule_search_locations
    return module


@cache
def _window() -> Any:
    """Return river's compiled class."""
    spec, loader = _compiled_module()
    module: Any = module_from_spec(spec)
    loader.exec_module(module)
    return module.AdaptiveWindowing


def changes(values: Iterable[float], delta: float) -> list[int]:
    """Return the places in `values` at which `river.drift.ADWIN(delta)` finds a change."""
    places, window = [], _window()(delta=delta, **SETTINGS)
    for place, value in enumerate(values):
        if window.update(value):
            places.append(place)
            window = _window()(delta=delta, **SETTINGS)
    return places
