"""What explain_model is asked for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.explanation.explanation_method import (
    METHODS,
    MOST_EVALUATIONS,
    Settings,
    method,
)

STEP = "explain_model"
GRADIENT = "gradient"
EXPLAINERS = (*METHODS, GRADIENT)
LINKS = ("identity", "logit")
MOST_ROWS, MOST_BACKGROUND = 10_000, 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to explain, and how.

    Attributes:
        model: model artifact.
        examples: examples artifact whose columns the signature takes.
        signature: name of the signature.
        output: name of its output; "" for the only one.
        column: which of the output's values; -1 for the only one.
        link: one of LINKS; logit explains log-odds of a probability.
        explainer: one of EXPLAINERS.
        split: split whose rows are explained.
        rows: how many of it, at random.
        background_split: split whose rows stand for absent features.
        background_rows: how many of it, at random.
        max_evals: most coalitions a row; samples a row for gradient.
        slices: columns whose values make slices: "origin", or "origin,carrier" for pairs.
        seed: of the rows, the permutations and the bootstrap.
    """

    model: Path
    examples: Path
    signature: str = "serving_default"
    output: str = ""
    column: int = -1
    link: str = LINKS[0]
    explainer: str = METHODS[0]
    split: str = "eval"
    rows: int = 200
    background_split: str = "train"
    background_rows: int = 50
    max_evals: int = MOST_EVALUATIONS
    slices: Sequence[Any] = ()
    seed: int = 0

    @property
    def settings(self) -> Settings:
        """What the model-agnostic explainers are told."""
        return Settings(explainer=self.explainer, max_evals=self.max_evals, seed=self.seed)

    def sliced(self) -> list[tuple[str, ...]]:
        """Return the columns of each kind of slice."""
        return [tuple(name.strip() for name in item.split(",")) for item in self.slices]


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Final paths: the folder of the explanations and the HTML file."""

    explanations: Path
    report: Path


def check(request: Request) -> None:
    """Raise ParameterError naming every parameter that is wrong."""
    faults = Faults(STEP)
    for name in ("signature", "split", "background_split"):
        value = getattr(request, name)
        faults.check(bool(value.strip()), name, value, "must not be empty")
    faults.check(request.column >= -1, "column", request.column, "use 0 or more; -1 for the only")
    faults.check(request.link in LINKS, "link", request.link, f"use {' or '.join(LINKS)}")
    for name, most in (("rows", MOST_ROWS), ("background_rows", MOST_BACKGROUND)):
        value = getattr(request, name)
        faults.check(1 <= value <= most, name, value, f"use 1 to {most}")
    names = ", ".join(EXPLAINERS)
    faults.check(request.explainer in EXPLAINERS, "explainer", request.explainer, f"use {names}")
    for item in request.slices:
        fits = isinstance(item, str) and all(name.strip() for name in item.split(","))
        faults.check(fits, "slices", item, 'write names of columns: ["origin", "origin,carrier"]')
    if request.explainer in EXPLAINERS and request.explainer != GRADIENT:
        method(request.settings, 1, faults)
    faults.raise_if_any()


def chosen_method(request: Request, features: int) -> str:
    """Return `exact`, `permutation` or `gradient` for a signature of so many features.

    Raises:
        ParameterError: `max_evals` does not allow it.
    """
    if request.explainer == GRADIENT:
        return GRADIENT
    faults = Faults(STEP)
    chosen = method(request.settings, features, faults)
    faults.raise_if_any()
    return chosen
