"""Which number of a prediction is explained, and how rows travel as codes."""

import math
from typing import Any

import numpy as np
import pytest

from kanaria.serving.explainer.answer_numbers import numbers, quantity
from kanaria.serving.explainer.row_codes import CodedRequest, in_form, spread
from kanaria.serving.protocol.json_body import RequestError


@pytest.mark.parametrize(
    ("prediction", "output", "column", "number", "text"),
    [
        (0.25, "", -1, 0.25, "the prediction, as the model answers it"),
        ([0.25], "", -1, 0.25, "the prediction, as the model answers it"),
        ([[0.25, 0.75]], "", 1, 0.75, "the prediction, column 1, as the model answers it"),
        ({"score": 2, "label": "a"}, "", -1, 2.0, "output score, as the model answers it"),
        ({"a": [1, 2], "b": 3}, "a", 0, 1.0, "output a, column 0, as the model answers it"),
    ],
)
def test_the_number_is_found_and_named(
    prediction: Any, output: str, column: int, number: float, text: str
):
    wanted = quantity(prediction, output, column, "identity")
    assert numbers([prediction], wanted).tolist() == [number]
    assert wanted.text == text


@pytest.mark.parametrize(
    ("prediction", "output", "column", "message"),
    [
        ({"a": 1, "b": 2}, "", -1, "output='': name one of: a, b"),
        ({"label": "x"}, "", -1, "name one of: none of numbers"),
        ({"flag": True}, "flag", -1, "name one of: none of numbers"),
        (0.5, "score", -1, "predictions have no names"),
        ([0.5, 0.5], "", -1, "column=-1: the output has 2 values a row; use 0 to 1"),
        ([0.5, 0.5], "", 2, "column=2: the output has 2 values a row; use 0 to 1"),
        ("late", "", -1, "'late' is no number"),
    ],
)
def test_a_number_that_is_not_there_is_told(
    prediction: Any, output: str, column: int, message: str
):
    with pytest.raises(RequestError, match=message):
        quantity(prediction, output, column, "identity")


def test_log_odds_are_of_a_probability_alone():
    wanted = quantity(0.25, "", -1, "logit")
    assert numbers([0.25], wanted)[0] == pytest.approx(math.log(1 / 3))
    for wrong in (0, 1.0, -2, math.nan):
        with pytest.raises(RequestError, match="log-odds are infinite or none"):
            numbers([wrong], wanted)


def test_codes_lead_back_to_rows_and_missing_values_to_no_key():
    background = [{"x": [1.0], "way": "a"}, {"x": None, "way": "b"}, {"x": [1.0], "way": None}]
    coded = CodedRequest(background, {"way": "a"}, ["x", "way"])
    assert coded.background.tolist() == [[0, 0], [1, 1], [0, 2]]
    assert coded.instance.tolist() == [1, 0]
    assert coded.rows(np.array([[0, 1], [1, 2]])) == [{"x": [1.0], "way": "b"}, {}]


@pytest.mark.parametrize(
    ("value", "like", "formed"),
    [
        (5, [7], [5]),
        ([5], 7, 5),
        ([5], [[7]], [[5]]),
        ("a", ["b"], ["a"]),
        ({"b64": "eA=="}, ["b"], [{"b64": "eA=="}]),
        ([1, 2], [3, 4], [1, 2]),
        ([1, 2], [3], [1, 2]),
        (None, [3], None),
        (5, None, 5),
    ],
)
def test_a_value_has_the_form_of_the_background(value: Any, like: Any, formed: Any):
    assert in_form(value, like) == formed


def test_some_rows_of_many_are_spread_evenly():
    assert spread([{"n": n} for n in range(10)], 3) == [{"n": 0}, {"n": 3}, {"n": 6}]
    assert spread([{"n": 1}], 3) == [{"n": 1}]
