"""Two versions side by side: what is counted of the store, in whatever order it came."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.model_quality.judge_window import JudgeError, predictions
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import Label, Stream, Verdict
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.write_groups import Counted
from kanaria.serving.protocol.payload_cloud_event import Event, Kind
from kanaria.serving.protocol.payload_columns import read_columns
from kanaria.serving.version_comparison.comparison_question import (
    Question,
    read_limit,
    read_question,
)
from kanaria.serving.version_comparison.model_answers import Answer, answers, name_of, preferred
from kanaria.serving.version_comparison.store_comparisons import Comparer, Comparisons

NOW = 1_000_000.0
STREAMS = {
    side: Stream(namespace="models", service="flights", version=side)
    for side in ("canary", "stable")
}
BINARY = Question(**STREAMS, since=NOW - 100, task=Task.BINARY, output="")


def half(kind, side, request_id, body, time=NOW - 10):
    event = Event(
        id=f"{side} {request_id}",
        kind=kind,
        source="",
        time=time,
        namespace="models",
        service="flights",
        component="predictor",
        endpoint="",
        version=side,
        request_id=request_id,
        body=json.dumps(body).encode(),
    )
    return Counted(event=event, rows=1)


def exchange(side, request_id, predicted, time=NOW - 10):
    """A request and its response, as two items for the store."""
    rows = [[1.0]] * len(predicted)
    return [
        half(Kind.REQUEST, side, request_id, {"instances": rows}, time),
        half(Kind.RESPONSE, side, request_id, {"predictions": predicted}, time),
    ]


def label(request_id, value, row=0):
    return Label(request_id=request_id, row=row, value=value, time=NOW)


class World:
    """A store, and a comparer that goes on reading it."""

    def __init__(self, folder, question=BINARY):
        self.location, self.question = str(folder / "events.db"), question
        self.store = open_store(self.location)
        self.comparer = Comparer(question)

    def keep(self, *items):
        self.store.apply(items, NOW)

    def totals(self, comparer=None):
        return self.answer_to(
            lambda reader: (comparer or self.comparer).totals(reader, NOW).document()
        )

    def wanted(self, limit=10):
        return self.answer_to(lambda reader: self.comparer.wanted(reader, NOW, limit))

    def answer_to(self, ask):
        reader = open_reader(self.location)
        try:
            return ask(reader)
        finally:
            reader.close()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_rows_are_joined_by_request_id_and_place(world):
    world.keep(*exchange("stable", "a", [0.1, 0.9]), *exchange("canary", "a", [0.2, 0.3]))
    world.keep(*exchange("stable", "b", [0.9]), *exchange("canary", "c", [0.9]))
    totals = world.totals()
    assert totals["stable"] == {"0": 1, "1": 2}
    assert totals["canary"] == {"0": 2, "1": 1}
    assert totals["pairs"] == 2
    assert (totals["canary_apart"], totals["stable_apart"]) == ({"0": 1}, {"1": 1})


def test_labels_say_who_is_right_where_the_versions_disagree(world):
    for name, (stable, canary) in {"a": (0.1, 0.9), "b": (0.9, 0.1), "c": (0.1, 0.2)}.items():
        world.keep(*exchange("stable", name, [stable]), *exchange("canary", name, [canary]))
    world.keep(label("a", 1), label("b", 1), label("c", 1))
    totals = world.totals()
    assert (totals["canary_right"], totals["stable_right"], totals["neither_right"]) == (1, 1, 0)


def test_a_label_that_is_corrected_counts_as_it_is_now(world):
    world.keep(*exchange("stable", "a", [0.1]), *exchange("canary", "a", [0.9]), label("a", 0))
    assert world.totals()["stable_right"] == 1
    world.keep(Label(request_id="a", row=0, value=1, time=NOW + 1))
    totals = world.totals()
    assert (totals["stable_right"], totals["canary_right"]) == (0, 1)


def test_labels_are_asked_for_rows_of_disagreement_alone_oldest_first(world):
    for age, name in enumerate("abc"):
        world.keep(
            *exchange("stable", name, [0.1, 0.1], NOW - 10 - age),
            *exchange("canary", name, [0.9, 0.1], NOW - 10 - age),
        )
    world.keep(label("b", 1))
    assert [(one["request_id"], one["row"]) for one in world.wanted()] == [("c", 0), ("a", 0)]
    assert len(world.wanted(limit=1)) == 1
    assert world.wanted()[0] | {"time": 0} == {
        "request_id": "c",
        "row": 0,
        "time": 0,
        "canary": "1",
        "stable": "0",
    }


def test_an_answer_that_comes_after_the_question_is_counted_by_the_next_one(world):
    (request, answered), other = exchange("stable", "a", [0.1]), exchange("canary", "a", [0.1])
    world.keep(request, *other)
    assert world.totals()["pairs"] == 0
    world.keep(answered)
    assert world.totals()["pairs"] == 1


def test_what_was_answered_before_the_rollout_does_not_count(world):
    world.keep(*exchange("stable", "a", [0.1], NOW - 200), *exchange("canary", "a", [0.1]))
    assert world.totals()["pairs"] == 0


def judge(world, *windows):
    """Keep (end, drifted, detector) of windows as verdicts on the canary."""
    for number, (end, drifted, detector) in enumerate(windows):
        verdict = Verdict(
            stream=STREAMS["canary"],
            detector=detector,
            begin=NOW - 50,
            end=end,
            rows=9,
            drifted=drifted,
            document="{}",
        )
        assert world.store.keep_verdict(f"{number}", 0, 1, verdict)


def test_windows_with_drift_of_any_detector_are_counted(world):
    judge(world, (NOW - 9, False, "table"), (NOW - 9, True, "mmd"), (NOW - 5, False, "table"))
    totals = world.totals()
    assert (totals["windows"], totals["drifted"]) == (2, 1)


def test_a_window_of_which_nothing_could_be_told_is_no_good_news(world):
    judge(world, (NOW - 9, None, "table"))
    assert world.totals()["windows"] == 0


def test_what_was_found_in_labels_is_not_drift_of_inputs(world):
    judge(world, (NOW - 9, True, "table/labels"))
    assert world.totals()["windows"] == 0


PLAN = {
    "both agree": ([0.1, 0.9], [0.2, 0.8], [0, 1]),
    "they differ": ([0.1, 0.9], [0.9, 0.9], [1, None]),
    "they differ twice": ([0.9, 0.1], [0.1, 0.9], [1, 1]),
    "stable alone": ([0.9], None, [1]),
    "canary alone": (None, [0.1], [0]),
}
ITEMS = [
    item
    for name, (stable, canary, labels) in PLAN.items()
    for item in (
        *(exchange("stable", name, stable) if stable else ()),
        *(exchange("canary", name, canary) if canary else ()),
        *(label(name, value, row) for row, value in enumerate(labels) if value is not None),
    )
]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_order_repetition_and_questions_in_between_change_nothing(tmp_path_factory, data):
    world = World(tmp_path_factory.mktemp("compared"))
    repeated = ITEMS + data.draw(st.lists(st.sampled_from(ITEMS), max_size=8))
    for item in data.draw(st.permutations(repeated)):
        world.keep(item)
        if data.draw(st.integers(0, 3)) == 0:
            world.totals()
    assert world.totals() == world.totals(Comparer(BINARY)) == recount()


def recount():
    """The totals by the plan, put down without any of the code."""
    both = [
        (s >= 0.5, c >= 0.5, value)
        for stable, canary, labels in PLAN.values()
        if stable and canary
        for s, c, value in zip(stable, canary, labels, strict=True)
    ]
    apart = [one for one in both if one[0] != one[1]]

    def counted(values):
        return dict(Counter(str(int(one)) for one in values))

    return {
        "stable": counted(one >= 0.5 for stable, _, _ in PLAN.values() for one in stable or ()),
        "canary": counted(one >= 0.5 for _, canary, _ in PLAN.values() for one in canary or ()),
        "pairs": len(both),
        "stable_apart": counted(stable for stable, _, _ in apart),
        "canary_apart": counted(canary for _, canary, _ in apart),
        "stable_right": sum(value == stable for stable, _, value in apart if value is not None),
        "canary_right": sum(value == canary for _, canary, value in apart if value is not None),
        "neither_right": 0,
        "windows": 0,
        "drifted": 0,
    }


def test_a_regression_is_compared_in_tenths_of_the_stable_versions_values(tmp_path):
    world = World(tmp_path, Question(**STREAMS, since=0.0, task=Task.REGRESSION, output=""))
    values = [float(value) for value in range(200)]
    world.keep(*exchange("canary", "a", values[:100] + [0.0] * 100))
    assert world.totals()["pairs"] == 0
    world.keep(*exchange("stable", "a", values), label("a", 190.0, 199))
    totals = world.totals()
    assert totals["stable"] == {f"tenth {n}": 20 for n in range(1, 11)}
    assert (totals["pairs"], sum(totals["canary_apart"].values())) == (200, 100)
    assert totals["stable_right"] == 1


def test_answers_that_do_not_fit_the_task_are_told_and_told_again(world):
    world.keep(*exchange("stable", "a", [7.5]))
    comparisons = Comparisons()
    for _ in range(2):
        with pytest.raises(JudgeError, match="no probabilities"):
            world.answer_to(lambda reader: comparisons.totals(reader, BINARY, NOW))


@pytest.mark.parametrize("odd", [7.5, float("nan"), None, "text", [0.1, 0.2, 0.7], 10**400, {}])
def test_one_odd_answer_is_a_class_of_its_own_and_stops_no_comparison(world, odd):
    for request_id, canary, stable in (("a", 0.9, 0.8), ("b", odd, 0.8), ("c", 0.1, odd)):
        world.keep(
            *exchange("canary", request_id, [canary]), *exchange("stable", request_id, [stable])
        )
    world.keep(label("b", 1), label("c", 1))
    totals = world.totals()
    assert totals["canary"] == {"1": 1, "unreadable": 1, "0": 1}
    assert totals["stable"] == {"1": 2, "unreadable": 1}
    assert (totals["pairs"], totals["canary_apart"]) == (3, {"unreadable": 1, "0": 1})
    assert (totals["stable_right"], totals["canary_right"], totals["neither_right"]) == (1, 0, 1)


def test_a_canary_whose_answers_are_all_odd_is_told_as_that(world):
    world.keep(*exchange("canary", "a", [float("nan")]), *exchange("stable", "a", [0.8]))
    assert world.totals()["canary"] == {"unreadable": 1}


def test_an_odd_value_is_farther_from_a_label_than_any_number():
    odd, near = Answer(name="unreadable"), Answer(name="tenth 3", value=3.0)
    assert [preferred(near, odd, 7), preferred(odd, near, 7)] == ["canary", "stable"]
    assert preferred(odd, odd, 7) == ""


@pytest.mark.parametrize(
    ("body", "task", "names"),
    [
        ({"predictions": [0.4, 0.5]}, Task.BINARY, ["0", "1"]),
        ({"predictions": [[0.2, 0.8], [0.9, 0.1]]}, Task.BINARY, ["1", "0"]),
        ({"predictions": [[0.1, 0.2, 0.7]]}, Task.MULTICLASS, ["2"]),
        ({"predictions": ["cat", "dog"]}, Task.MULTICLASS, ["cat", "dog"]),
        (
            {"outputs": [{"name": "c", "datatype": "INT64", "shape": [2], "data": [3, 4]}]},
            Task.MULTICLASS,
            ["3", "4"],
        ),
    ],
)
def test_answers_of_either_protocol_are_classes(body, task, names):
    columns = read_columns(json.dumps(body).encode())
    assert [one.name for one in answers(predictions(columns, task, ""), task)] == names


def test_names_of_equal_classes_are_equal():
    assert {name_of(value) for value in (1, 1.0, True)} == {"1"}
    assert name_of(b"cat") == name_of("cat")


def test_a_label_prefers_the_nearer_of_two_numbers_and_none_of_two_equal_distances():
    low, high = Answer(name="tenth 1", value=1.0), Answer(name="tenth 5", value=5.0)
    assert [preferred(low, high, value) for value in (0, 4.0, 3)] == ["canary", "stable", ""]


def test_all_faults_of_a_question_are_told_at_once():
    with pytest.raises(ParameterError) as caught:
        read_question({"namespace": "models", "canary": "1", "stable": "1", "since": "noon"})
    for fault in ("service=None", "stable='1'", "since='noon'", "task=None"):
        assert fault in str(caught.value)
    with pytest.raises(ParameterError, match="limit='0': use 1 to 1000"):
        read_limit({"limit": "0"})
