import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from kfp_server_api import V2beta1PipelineTaskDetail, V2beta1Run, V2beta1RunDetails

from kanaria.pipelines.submit import progress
from kanaria.pipelines.submit.run_snapshot import (
    FINISHED,
    Names,
    Outcome,
    Snapshot,
    State,
    Task,
    ended,
    snapshot,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def now(state: State, *tasks: tuple[str, State, float]) -> Snapshot:
    listed = [Task(key=n, name=n, state=s, seconds=t, cause="") for n, s, t in tasks]
    return Snapshot(state=state, tasks=tuple(listed), cause="")


def test_a_file_gets_a_line_for_each_change_only():
    stream = io.StringIO()
    show = progress.on(stream)
    show(now(State.RUNNING, ("train", State.PENDING, 0)))
    show(now(State.RUNNING, ("train", State.RUNNING, 1)))
    show(now(State.RUNNING, ("train", State.RUNNING, 3)))
    show(now(State.SUCCEEDED, ("train", State.SUCCEEDED, 4.25)))
    assert stream.getvalue().splitlines() == [
        "  train                    running",
        "  train                    succeeded       4.2 s",
    ]


def test_a_terminal_shows_the_seconds_passing_in_one_line():
    stream = Terminal()
    show = progress.on(stream)
    show(now(State.RUNNING, ("train", State.RUNNING, 1), ("check", State.RUNNING, 2)))
    assert stream.getvalue().endswith("\n  running: train 1 s, check 2 s")
    show(now(State.SUCCEEDED, ("train", State.SUCCEEDED, 4)))
    assert stream.getvalue().endswith("\r\x1b[K  train                    succeeded       4.0 s\n")


def test_a_run_without_a_state_is_pending():
    assert snapshot(V2beta1Run(), Names(steps={}, branches={}), datetime.now(UTC)) == now(
        State.PENDING
    )


def test_times_that_the_server_does_not_know_yet_count_as_none():
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    start = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)
    details = [
        V2beta1PipelineTaskDetail(
            task_id=name, display_name=name, state="RUNNING", start_time=begin, end_time=epoch
        )
        for name, begin in (("waits", epoch), ("runs", start), ("early", None))
    ]
    run = V2beta1Run(run_details=V2beta1RunDetails(task_details=details))
    names = {name: name for name in ("waits", "runs", "early")}
    later = datetime(2026, 1, 31, 6, 0, 30, tzinfo=UTC)
    shown = snapshot(run, Names(steps=names, branches={}), later)
    assert [task.seconds for task in shown.tasks] == [0, 30, 0]


@given(st.lists(st.sampled_from(State), max_size=8))
def test_a_run_ends_exactly_in_a_finished_state(states: list[State]):
    for was_canceling in (False, True):
        for state in states:
            assert (ended(state, was_canceling) is not None) == (state in FINISHED)


def test_a_failure_after_canceling_is_a_cancellation():
    assert ended(State.FAILED, True) is Outcome.CANCELED
    assert ended(State.FAILED, False) is Outcome.FAILED
    assert ended(State.SUCCEEDED, True) is Outcome.SUCCEEDED
