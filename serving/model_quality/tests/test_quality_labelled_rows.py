import json

import pytest

from kanaria.serving.model_quality.judge_window import JudgeError, labelled_rows
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import Exchange, KeptLabel


def exchange(response, labels, received=160.0, request_id="order-a"):
    body = None if response is None else json.dumps(response).encode()
    return Exchange(
        number=1,
        id="a",
        component="predictor",
        request_id=request_id,
        time=100.0,
        received=101.0,
        rows=3,
        request=b"{}",
        response=body,
        labels={row: KeptLabel(value=v, received=received) for row, v in labels.items()},
    )


def test_a_label_meets_the_prediction_of_its_row():
    exchanges = [
        exchange({"predictions": [0.1, 0.2, 0.3]}, {2: 1, 0: 0}),
        exchange({"predictions": [0.5, 0.5, 0.5]}, {}),
        exchange(None, {0: 1}),
        exchange({"predictions": [0.7]}, {5: 1}, request_id="order-b"),
    ]
    labelled = labelled_rows(exchanges, Task.BINARY, "")
    assert (labelled.rows, labelled.predicted.tolist(), labelled.labels.tolist()) == (
        12,
        [0.3, 0.1],
        [1, 0],
    )
    assert labelled.lags.tolist() == [60, 60]


def test_an_output_is_chosen_by_name():
    response = {"predictions": [{"p": 0.1, "id": "x"}, {"p": 0.9, "id": "y"}]}
    assert labelled_rows([exchange(response, {1: 1})], Task.BINARY, "p").predicted.tolist() == [0.9]
    with pytest.raises(JudgeError, match=r"output='': the response has \['id', 'p'\]"):
        labelled_rows([exchange(response, {1: 1})], Task.BINARY, "")


def test_the_second_of_two_probabilities_is_that_of_label_1():
    labelled = labelled_rows([exchange({"predictions": [[0.25, 0.75]]}, {0: 1})], Task.BINARY, "")
    assert labelled.predicted.tolist() == [0.75]


@pytest.mark.parametrize(
    ("task", "predictions", "label", "fault"),
    [
        (Task.REGRESSION, [1.0], "late", "label 'late'"),
        (Task.BINARY, [0.5], 2, "label 2"),
        (Task.BINARY, [1.5], 1, "no probabilities"),
        (Task.BINARY, [[0.1, 0.2, 0.7]], 1, "shape"),
        (Task.REGRESSION, ["a"], 1, "predictions"),
        (Task.MULTICLASS, [[0.1, 0.9]], "cat", "label 'cat'"),
    ],
)
def test_what_does_not_fit_the_task_is_named(task, predictions, label, fault):
    with pytest.raises(JudgeError, match=fault):
        labelled_rows([exchange({"predictions": predictions}, {0: label})], task, "")


@pytest.mark.parametrize(
    ("task", "good", "label"),
    [
        (Task.REGRESSION, 1.5, 2),
        (Task.BINARY, 0.5, 1),
        (Task.MULTICLASS, [0.1, 0.9], 1),
    ],
)
@pytest.mark.parametrize("odd", [float("nan"), 1e308, 10**400, None, "a", {}, [0.1, 0.2, 0.7], []])
def test_one_odd_prediction_or_label_is_left_out_and_counted(task, good, label, odd):
    exchanges = [
        exchange({"predictions": [good, good]}, {0: label, 1: label}),
        exchange({"predictions": [odd]}, {0: label}, request_id="order-b"),
        exchange({"predictions": [good]}, {0: "late"}, request_id="order-c"),
    ]
    for order in (exchanges, exchanges[::-1]):
        labelled = labelled_rows(order, task, "")
        assert (len(labelled.labels), labelled.left_out) == (2, 2)
        assert labelled.labels.tolist() == [label] * 2


def test_a_number_that_is_none_costs_only_its_own_row():
    predicted = [0.1, float("nan"), 0.3]
    labelled = labelled_rows(
        [exchange({"predictions": predicted}, {0: 0, 1: 1, 2: 1})], Task.BINARY, ""
    )
    assert (labelled.predicted.tolist(), labelled.labels.tolist()) == ([0.1, 0.3], [0, 1])


def test_classes_are_equal_whatever_carries_them():
    response = {"predictions": [{"b64": "Y2F0"}, "cat", 3, 3.0, True]}
    labelled = labelled_rows(
        [exchange(response, {0: "cat", 1: "cat", 2: 3, 3: "3", 4: 1})], Task.MULTICLASS, ""
    )
    assert labelled.predicted.tolist() == labelled.labels.tolist()


def test_a_request_that_was_answered_twice_has_its_label_once():
    twice = [exchange({"predictions": [0.1]}, {0: 1}), exchange({"predictions": [0.9]}, {0: 1})]
    labelled = labelled_rows(twice, Task.BINARY, "")
    assert (labelled.rows, labelled.predicted.tolist()) == (6, [0.1])
