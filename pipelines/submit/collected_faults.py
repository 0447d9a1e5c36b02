"""Gathers the faults that several checks raise, so that one call shows them all."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError

P = ParamSpec("P")
T = TypeVar("T")


def attempt(faults: Faults, check: Callable[P, T], *args: P.args, **options: P.kwargs) -> T | None:
    """Return what a check returns, or None after noting down the fault that it raised."""
    try:
        return check(*args, **options)
    except ParameterError as error:
        faults.add(str(error))
        return None
