"""The search space of KerasTuner as parameters of Katib. Pure.

A step makes a list, as KerasTuner counts it: of Katib's algorithms some count steps from 0 and
over the maximum, and others pass them over.
"""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import keras_tuner

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown
from kanaria.components.shared.tuning.katib_parameter import Kind, Parameter, Value

hp_types = keras_tuner.engine.hyperparameters
MOST_VALUES = 1000
"""Of a list. The lists stand in the Experiment twice."""
NOTHING_VARIES = (
    "no hyperparameter has more than one value before a trial runs, and Katib must know them all; "
    "make the tuner with hyperparameters=, or name them in build(hp)"
)
UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
Fields = dict[str, Any]
"""Of a Parameter, without its names."""
Space = tuple[tuple[Parameter, ...], dict[str, Value]]
"""Parameters, and name -> value of what has one value only."""


def katib_names(names: Iterable[str]) -> dict[str, str]:
    """Return name -> another one, different for each, that Katib can put into a template."""
    names = list(names)
    chosen = {name: name for name in names if name and not UNSAFE.search(name)}
    for name in names:
        if name not in chosen:
            plain = UNSAFE.sub("_", name) or "_"
            numbered = (f"{plain}-{number}" for number in range(2, len(names) + 2))
            taken = set(chosen.values())
            chosen[name] = next(one for one in (plain, *numbered) if one not in taken)
    return chosen


def parameters(space: Any, where: str) -> Space:
    """Return what Katib varies, and what it does not since there is one value only.

    Args:
        space: `keras_tuner.HyperParameters`.
        where: what it is called in an error.

    Raises:
        ParameterError: Katib has no like of some hyperparameter, or none is to be varied; all
            faults are named.
    """
    faults = Faults(where)
    names = katib_names(one.name for one in space.space)
    for one in space.space:
        fault = _fault(one)
        if fault:
            faults.add(f"hyperparameter {shown(one.name)}: {fault}")
    faults.raise_if_any()
    every = [_parameter(one, names[one.name]) for one in space.space]
    varied = tuple(one for one in every if one.low < one.high or len(one.values) > 1)
    if not varied:
        faults.add(NOTHING_VARIES)
    faults.raise_if_any()
    return varied, {one.name: (*one.values, one.low)[0] for one in every if one not in varied}


def _fault(one: Any) -> str:
    """Say why Katib has no like of a hyperparameter, "" where it has."""
    if one.conditions:
        parents = ", ".join(sorted({shown(parent.name) for parent in one.conditions}))
        return (
            f"it depends on {parents}, and Katib has no conditions; search each case by itself, or "
            "let all hyperparameters hold always"
        )
    if getattr(one, "sampling", "") == "reverse_log" and one.step is None:
        return "Katib has no reverse_log; give it a step, or use linear or log"
    if type(one) not in PARAMETERS:
        return f"{type(one).__name__} is no kind that Katib knows; use those of keras_tuner"
    if len(_parameter(one, "_").values) > MOST_VALUES:
        return f"it has more than {MOST_VALUES:,} values, a list for Katib; use a larger step"
    return ""


def _fixed(one: Any) -> Fields:
    return {"kind": Kind.CATEGORICAL, "values": (one.value,)}


def _boolean(one: Any) -> Fields:
    return {"kind": Kind.CATEGORICAL, "values": tuple(one.values)}


def _choice(one: Any) -> Fields:
    values = tuple(dict.fromkeys(one.values))
    are_numbers = type(values[0]) in (int, float)
    return {"kind": Kind.DISCRETE if are_numbers else Kind.CATEGORICAL, "values": values}


def _int(one: Any) -> Fields:
    is_range = one.step is None or (one.sampling == "linear" and one.step == 1)
    return _range(one, int, Kind.INT) if is_range else _grid(one, int)


def _float(one: Any) -> Fields:
    return _range(one, float, Kind.DOUBLE) if one.step is None else _grid(one, float)


def _range(one: Any, number: Callable[[Any], Value], kind: Kind) -> Fields:
    low, high = number(one.min_value), number(one.max_value)
    return {"kind": kind, "low": low, "high": high, "is_log": one.sampling == "log"}


def _grid(one: Any, number: Callable[[Any], Value]) -> Fields:
    values = map(number, islice(one.values, MOST_VALUES + 1))
    return {"kind": Kind.DISCRETE, "values": tuple(dict.fromkeys(values))}


PARAMETERS: dict[type, Callable[[Any], Fields]] = {
    hp_types.Fixed: _fixed,
    hp_types.Boolean: _boolean,
    hp_types.Choice: _choice,
    hp_types.Int: _int,
    hp_types.Float: _float,
}
"""KerasTuner's kind -> what gives the fields of its Parameter."""


def _parameter(one: Any, katib_name: str) -> Parameter:
    return Parameter(name=one.name, katib_name=katib_name, **PARAMETERS[type(one)](one))
