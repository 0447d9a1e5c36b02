"""Shapley values of one row by SHAP's explainers, with one call of the model a row.

SHAP asks for the answers as it goes, in one call or many. Which rows it asks for depends on no
answer, so it is let run twice: once to learn the rows, then with what the model answered to all
of them at once. A model that is served under two revisions so answers a whole explanation by one
of them; asked bit by bit, it would mix both and the sum would be of neither.

SHAP seeds numpy's generator of the whole process and draws from it later, so whoever else draws
changes its permutations. One explanation runs at a time here, and the generator is put back.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import shap
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError
from kanaria.components.shared.explanation.coded_rows import Codes
from kanaria.components.shared.explanation.explanation_method import EXACT, Settings

Floats = NDArray[np.float64]
Ask = Callable[[Codes], Floats]
"""Rows of codes, shape (n, features) -> the model's answers, shape (n,)."""
TOLERANCE = 1e-3
"""Of base value and values beside the answer, relative to the largest of the answers. SHAP adds in
doubles, but a model may round equal rows of one call otherwise by where they stand: by 1e-7 in
float32, by 1e-3 where it computes in 16 bits. One that draws numbers misses by far more."""
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """One row's explanation.

    Attributes:
        base_value: mean answer to the background.
        values: of each feature, shape (features,); base_value + sum is the prediction.
        prediction: the model's answer to the row.
        residual: by how much the sum misses it.
    """

    base_value: float
    values: Floats
    prediction: float
    residual: float


def explained(
    background: Codes, row: Codes, ask: Ask, *, method: str, settings: Settings
) -> Explained:
    """Return the Shapley values of one row against a background.

    Args:
        background: rows that stand for absent features, shape (rows, features).
        row: the row, shape (features,).
        ask: answers rows, called once.
        method: `exact` or `permutation`, as `explanation_method.method` chose.
        settings: as there; the same seed gives the same values, whatever else is explained.

    Raises:
        DataError: an answer is no finite number, or the values do not add up to the answer.
    """
    recorder = _Recorder()
    with _seeded():
        _shap(recorder, background, row, method, settings)
    wanted = np.concatenate([row[np.newaxis], *recorder.calls])
    answers = np.asarray(ask(wanted), dtype=np.float64)
    _check_finite(answers)
    with _seeded():
        values, base = _shap(
            _Replayer(recorder.calls, answers[1:]), background, row, method, settings
        )
    prediction = float(answers[0])
    residual = abs(prediction - base - float(values.sum()))
    if residual > TOLERANCE * float(np.abs(answers).max()):
        raise DataError(
            f"the explanation does not add up: base value {base:.6g} and values "
            f"{float(values.sum()):.6g} are not the answer {prediction:.6g}; the model answers "
            "equal rows of one call differently, so it draws numbers; leave that out of it"
        )
    return Explained(base_value=base, values=values, prediction=prediction, residual=residual)


def warm_up() -> None:
    """Let SHAP compile what it computes with, which takes seconds."""
    rows = np.arange(6, dtype=np.int64).reshape(3, 2)
    settings = Settings()
    for method in (EXACT, "permutation"):
        explained(
            rows[:2],
            rows[2],
            lambda codes: codes.sum(axis=1).astype(float),
            method=method,
            settings=settings,
        )


def _check_finite(answers: Floats) -> None:
    wrong = answers[~np.isfinite(answers)]
    if wrong.size:
        raise DataError(
            f"the model answers {wrong[0]} to {wrong.size} of {answers.size} rows that mix the "
            "explained row with the background; only finite answers can be shared out"
        )


@contextmanager
def _seeded() -> Iterator[None]:
    with _ONE_AT_A_TIME:
        state = np.random.get_state()
        try:
            yield
        finally:
            np.random.set_state(state)


class _Recorder:
    """Stands for the model: remembers what is asked, and answers nothing of use."""

    def __init__(self) -> None:
        self.calls: list[Codes] = []

    def __call__(self, rows: Any) -> Floats:
        self.calls.append(np.array(rows, dtype=np.int64))
        return np.zeros(len(rows))


class _Replayer:
    """Stands for the model: answers the same calls with what the model answered."""

    def __init__(self, calls: list[Codes], answers: Floats) -> None:
        ends = np.cumsum([len(call) for call in calls])[:-1]
        self._expected = zip(calls, np.split(answers, ends), strict=True)

    def __call__(self, rows: Any) -> Floats:
        call, answers = next(self._expected)
        if not np.array_equal(call, rows):
            raise RuntimeError("SHAP asked for other rows in its second run than in its first")
        return answers


def _shap(
    model: Callable[[Any], Floats], background: Codes, row: Codes, method: str, settings: Settings
) -> tuple[Floats, float]:
    # Left to itself, the masker draws 100 rows of a larger background.
    masker = shap.maskers.Independent(background, max_samples=len(background))
    if method == EXACT:
        explainer: Any = shap.explainers.Exact(model, masker)
    else:
        explainer = shap.explainers.Permutation(model, masker, seed=settings.seed)
    result = explainer(row[np.newaxis], max_evals=settings.max_evals, silent=True)
    return np.asarray(result.values[0], dtype=np.float64), float(np.ravel(result.base_values)[0])
