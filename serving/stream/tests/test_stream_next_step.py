"""What follows from an answer."""

import pytest

from kanaria.serving.stream.model_answers import Kind
from kanaria.serving.stream.next_step import Step, Try, step, wait_seconds


def after(kind, *, status=500, rows=1, failures=0, was_well=True):
    return step(Try(kind=kind, status=status, rows=rows, failures=failures, was_well=was_well))


def test_rows_with_answers_go_on():
    assert after(Kind.SCORED, status=200, rows=3) is Step.GO_ON


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TOO_LARGE, Kind.UNUSABLE])
def test_a_refused_row_is_sought_by_halves_and_buried_alone(kind):
    assert after(kind, status=400, rows=2, was_well=False) is Step.HALVE
    assert after(kind, status=400, was_well=False) is Step.BURY


@pytest.mark.parametrize(("status", "most"), [(500, 5), (0, 8), (502, 8), (503, 8), (504, 8)])
def test_a_row_is_buried_when_the_model_fails_on_it_alone_again_and_again(status, most):
    assert after(Kind.PASSING, status=status, failures=most - 2) is Step.WAIT
    assert after(Kind.PASSING, status=status, failures=most - 1) is Step.BURY
    assert after(Kind.PASSING, status=status, rows=2) is Step.HALVE


@pytest.mark.parametrize("status", [500, 0, 503])
def test_a_model_that_is_away_costs_no_row(status):
    for rows in (1, 64):
        away = after(Kind.PASSING, status=status, rows=rows, failures=0, was_well=False)
        assert away is Step.WAIT


@pytest.mark.parametrize("status", [429, 404, 401, 403, 302, 501])
def test_what_is_never_a_rows_fault_is_waited_for(status):
    for rows in (1, 64):
        assert after(Kind.PASSING, status=status, rows=rows, failures=1000) is Step.WAIT


def test_waits_grow_to_five_seconds_and_follow_the_server():
    waits = [wait_seconds(count, 0.0) for count in (0, 1, 3, 10, 5000)]
    expected = [0.1, 0.2, 0.8, 5.0, 5.0]
    for wait, about in zip(waits, expected, strict=True):
        assert wait == pytest.approx(about, rel=0.21)
    assert wait_seconds(0, 30.0) == 30.0
    assert wait_seconds(0, 1e9) == 60.0
