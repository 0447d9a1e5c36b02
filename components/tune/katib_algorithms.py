"""Which of Katib's algorithms searches what a tuner would, and which spaces it can. Pure.

Source: Katib 0.19, pkg/suggestion/v1beta1: what each validates, and what it passes over.
"""

import math
from collections.abc import Sequence

from kanaria.components.shared.errors import shown
from kanaria.components.shared.tuning.katib_parameter import Kind, Parameter

OF_ORACLES = {
    "RandomSearchOracle": "random",
    "GridSearchOracle": "grid",
    "BayesianOptimizationOracle": "bayesianoptimization",
}
"""KerasTuner's oracle -> Katib's name for what it does."""
SEEDED = ("random", "tpe", "multivariate-tpe", "bayesianoptimization", "grid", "cmaes")
"""They take the setting `random_state`."""
ALGORITHMS = (*SEEDED, "sobol")
BY_EPOCHS = ("hyperband", "pbt")
"""They ask for a parameter that is no hyperparameter: how long a trial runs."""


def of_oracle(oracle: object) -> str:
    """Return the algorithm for a tuner whose user names none; "" where Katib has no like."""
    kinds = (kind.__name__ for kind in type(oracle).__mro__)
    return next((OF_ORACLES[kind] for kind in kinds if kind in OF_ORACLES), "")


def combinations(parameters: Sequence[Parameter]) -> int:
    """Return how many trials a grid has, 0 where a parameter is a range of real numbers."""
    return math.prod(parameter.count for parameter in parameters)


def fault(algorithm: str, parameters: Sequence[Parameter], max_trials: int) -> str:
    """Say why Katib cannot search so, and what would help; "" where it can."""
    if algorithm not in ALGORITHMS:
        names = ", ".join(ALGORITHMS)
        why = "how long a trial runs is no hyperparameter; " if algorithm in BY_EPOCHS else ""
        return f"{why}use one of {names}"
    check = {"grid": _grid, "bayesianoptimization": _bayesian, "cmaes": _cmaes, "sobol": _sobol}
    return check[algorithm](parameters, max_trials) if algorithm in check else ""


def _names(parameters: Sequence[Parameter]) -> str:
    return ", ".join(shown(parameter.name) for parameter in parameters)


def _grid(parameters: Sequence[Parameter], max_trials: int) -> str:
    ranges = [one for one in parameters if not one.count]
    if ranges:
        return f"a grid needs a step: give one to {_names(ranges)}"
    count = combinations(parameters)
    return f"the grid has {count:,} trials; set max_trials to so many" if max_trials > count else ""


def _bayesian(parameters: Sequence[Parameter], _max_trials: int) -> str:
    # Every Real of it is made with the prior "log-uniform", whatever the Experiment says.
    doubles = [one for one in parameters if one.kind is Kind.DOUBLE and one.low <= 0]
    names = _names(doubles)
    return f"it takes logarithms of {names}; let that begin above 0, or use tpe" if doubles else ""


def _sobol(parameters: Sequence[Parameter], _max_trials: int) -> str:
    names = _names([one for one in parameters if one.is_log])
    return f"it knows no sampling by logarithm, of {names}; use tpe" if names else ""


def _cmaes(parameters: Sequence[Parameter], max_trials: int) -> str:
    if sum(not one.is_list for one in parameters) <= 1:
        return "it needs two ranges of numbers, without steps; use tpe"
    return _sobol(parameters, max_trials)
