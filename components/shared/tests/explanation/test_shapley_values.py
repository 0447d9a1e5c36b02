"""Shapley values of rows of any kind, against the definition."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from shapley_by_definition import shapley

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.explanation.coded_rows import coded
from kanaria.components.shared.explanation.explanation_method import (
    EXACT,
    PERMUTATION,
    Settings,
    evaluations,
    method,
)
from kanaria.components.shared.explanation.shapley_values import Explained, explained

Rows = Sequence[Sequence[Any]]
MIXED: Rows = [
    ["AA", 3, 0.5, math.nan, (1.0, 2.0)],
    ["UA", 7, 0.25, 2.0, (1.0, 2.0)],
    ["", 3, -1.5, 4.0, (0.0, 9.0)],
    ["DL", 1, 0.5, math.nan, (5.0, 5.0)],
]
ROW = ["UA", 3, 9.0, 1.5, (2.0, 2.0)]


def mixed_answer(row: Sequence[Any]) -> float:
    """A model with interactions of up to five features, over text, missing values and lists."""
    carrier, hour, delay, wind, pair = row
    wind = -1.0 if math.isnan(wind) else wind
    return math.tanh(len(carrier) * delay + hour * wind) + sum(pair) * (carrier == "UA") * delay


def explain(
    background: Rows,
    row: Sequence[Any],
    answer: Callable[[Any], float],
    by: str = EXACT,
    **settings: Any,
) -> Explained:
    table = [*background, row]
    codes = coded([[repr(values[place]) for values in table] for place in range(len(row))])

    def ask(wanted: Any) -> Any:
        return np.array(
            [answer([table[code][p] for p, code in enumerate(line)]) for line in wanted]
        )

    chosen = Settings(explainer=by, **settings)
    return explained(codes[:-1], codes[-1], ask, method=by, settings=chosen)


def test_exact_values_are_those_of_the_definition_on_text_missing_values_and_lists():
    base, values = shapley(MIXED, ROW, mixed_answer)
    ours = explain(MIXED, ROW, mixed_answer)
    assert ours.base_value == pytest.approx(base, abs=1e-12)
    assert list(ours.values) == pytest.approx(values, abs=1e-12)


@pytest.mark.parametrize("by", [EXACT, PERMUTATION])
def test_base_value_and_values_add_up_to_the_answer(by: str):
    ours = explain(MIXED, ROW, mixed_answer, by, max_evals=33)
    assert ours.prediction == mixed_answer(ROW)
    assert ours.base_value + ours.values.sum() == pytest.approx(ours.prediction, abs=1e-12)


def test_permutations_are_exact_where_features_interact_in_pairs_at_most():
    def answer(row: Sequence[Any]) -> float:
        return row[0] * row[1] + row[2] * row[0] - row[1]

    background = [[1.0, 2.0, 3.0], [4.0, 0.5, -2.0]]
    _, values = shapley(background, [2.0, 7.0, 5.0], answer)
    ours = explain(background, [2.0, 7.0, 5.0], answer, PERMUTATION, max_evals=7)
    assert list(ours.values) == pytest.approx(values, abs=1e-12)


def test_values_that_are_nearly_equal_are_told_apart():
    """SHAP's masker takes what differs by a hundred-thousandth for the same."""
    background, row = [[1_700_000_000.0, 1.0], [1_700_000_600.0, 2.0]], [1_700_003_600.0, 1.5]

    def answer(values: Sequence[Any]) -> float:
        return (values[0] - 1_700_000_000) / 3600 + values[1]

    _, values = shapley(background, row, answer)
    assert list(explain(background, row, answer).values) == pytest.approx(values, abs=1e-12)


def test_large_answers_add_up_to_their_last_digits():
    def answer(row: Sequence[Any]) -> float:
        return 2e10 + 1e4 * mixed_answer(row)

    ours = explain(MIXED, ROW, answer)
    assert ours.base_value + ours.values.sum() == pytest.approx(answer(ROW), rel=1e-14)
    small = explain(MIXED, ROW, mixed_answer)
    assert list(ours.values) == pytest.approx(list(1e4 * small.values), abs=1e-3)


def test_a_background_of_more_than_a_hundred_rows_is_taken_whole():
    background = [[float(place), 0.0] for place in range(150)]
    ours = explain(background, [0.0, 1.0], lambda row: row[0] + row[1])
    assert ours.base_value == pytest.approx(74.5, abs=1e-12)


def test_a_row_like_all_of_the_background_is_explained_by_nothing():
    for by in (EXACT, PERMUTATION):
        ours = explain([["a", 1], ["a", 1]], ["a", 1], lambda row: row[1] * 3.0, by)
        assert list(ours.values) == [0.0, 0.0]
        assert ours.base_value == ours.prediction == 3.0


def test_a_feature_that_is_constant_gets_nothing():
    ours = explain([[1, 5], [2, 5]], [3, 5], lambda row: float(row[0] * row[1]))
    assert ours.values[1] == 0.0


def test_the_seed_alone_decides_the_permutations_and_numpys_own_draws_go_on():
    np.random.seed(5)
    wanted = np.random.random(3)
    np.random.seed(5)
    first = explain(MIXED, ROW, mixed_answer, PERMUTATION, max_evals=11, seed=1)
    assert np.array_equal(np.random.random(3), wanted)
    again = explain(MIXED, ROW, mixed_answer, PERMUTATION, max_evals=11, seed=1)
    other = explain(MIXED, ROW, mixed_answer, PERMUTATION, max_evals=11, seed=2)
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)


def test_the_model_is_asked_once():
    calls = []

    def ask(codes: Any) -> Any:
        calls.append(len(codes))
        return codes.sum(axis=1).astype(float)

    codes = coded([[repr(row[place]) for row in [*MIXED, ROW]] for place in range(5)])
    settings = Settings(max_evals=110)
    explained(codes[:-1], codes[-1], ask, method=PERMUTATION, settings=settings)
    assert len(calls) == 1
    assert calls[0] <= 1 + 110 * len(MIXED)


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan])
def test_an_answer_that_is_not_finite_is_refused(wrong: float):
    with pytest.raises(DataError, match="finite"):
        explain(MIXED, ROW, lambda row: wrong if row[0] == "DL" else 1.0)


def test_a_model_may_round_equal_rows_otherwise_by_where_they_stand():
    places = iter(range(10**6))
    ours = explain(MIXED, ROW, lambda row: mixed_answer(row) * (1 + 6e-8 * (next(places) % 2)))
    assert 0 < ours.residual < 1e-5


def test_a_model_that_draws_numbers_is_refused():
    """Equal rows of the background are asked once for the base value and once more for the row."""
    draw = np.random.default_rng(0)
    with pytest.raises(DataError, match="does not add up"):
        explain(MIXED, ROW, lambda _: float(draw.random()))


@pytest.mark.parametrize(
    ("features", "settings", "chosen"),
    [
        (10, Settings(), EXACT),
        (11, Settings(), PERMUTATION),
        (11, Settings(max_evals=4096), EXACT),
        (13, Settings(max_evals=10**6), PERMUTATION),
        (4, Settings(explainer=PERMUTATION), PERMUTATION),
    ],
)
def test_auto_is_exact_where_it_can_be(features: int, settings: Settings, chosen: str):
    faults = Faults("explain")
    assert method(settings, features, faults) == chosen
    faults.raise_if_any()
    assert evaluations(settings, chosen, features) <= settings.max_evals


@pytest.mark.parametrize(
    ("features", "settings", "message"),
    [
        (600, Settings(), "max_evals=1024: use 1201 or more for 600 features"),
        (11, Settings(explainer=EXACT), "exact takes 2048 for 11 features; use 2048, or explainer"),
        (30, Settings(explainer=EXACT), "use explainer permutation"),
        (3, Settings(explainer="kernel"), "explainer='kernel': use one of auto, exact, permut"),
        (3, Settings(seed=-1), "seed=-1: use 0 to 4294967295"),
    ],
)
def test_what_cannot_be_is_told_with_the_number_that_can(
    features: int, settings: Settings, message: str
):
    faults = Faults("explain")
    method(settings, features, faults)
    with pytest.raises(ParameterError, match=message):
        faults.raise_if_any()
