from kanaria.pipelines.local import summary
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord


def finished(*tasks: TaskRecord) -> RunRecord:
    return RunRecord(
        run_id="r",
        pipeline="p",
        arguments={},
        started="2026-01-01T00:00:00+00:00",
        state=State.SUCCEEDED,
        tasks=list(tasks),
    )


def test_a_model_that_is_not_blessed_is_named_with_its_reason():
    why = "evaluate_model did not pass: auc = 0.5 is below the lower bound 0.6"
    judged = TaskRecord(name="evaluate", metadata={"outcome": {"passed": False, "summary": why}})
    push = TaskRecord(name="push", state=State.SKIPPED)
    assert why in summary.text(finished(judged, push), "index.html").splitlines()


def test_what_passed_is_not_mentioned():
    judged = TaskRecord(name="evaluate", metadata={"outcome": {"passed": True, "summary": "fine"}})
    assert "fine" not in summary.text(finished(judged), "index.html")
