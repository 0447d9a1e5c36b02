"""What is read of the files that KFP leaves."""

from pathlib import Path

import pytest
from report_store import RUN, Store

from kanaria.components.report import step_outputs
from kanaria.components.report.run_outcome import State, Step
from kanaria.components.shared.errors import DataError

ORDER = ("resolve-span", "ingest-data", "train-model", "push-model")


def steps(store: Store) -> dict[str, Step]:
    return {step.name: step for step in step_outputs.read(str(store.folder), ORDER).steps}


def test_artifacts_are_there_only_after_success_and_a_log_alone_with_its_error_is_a_failure(
    store: Store,
):
    store.done("ingest-data")
    store.failed("train-model", "kanaria.components.shared.errors.DataError: no rows; look")
    left = steps(store)
    assert left["ingest-data"].state is State.SUCCEEDED
    assert left["train-model"] == Step(
        name="train-model", state=State.FAILED, cause="DataError: no rows; look"
    )


def test_a_reused_step_has_no_folder_in_this_run_and_nothing_is_claimed_of_it(store: Store):
    store.done("push-model")
    assert steps(store)["ingest-data"] == Step(
        name="ingest-data", state="reused, skipped or not begun"
    )


def test_a_step_of_parameters_alone_leaves_its_log_and_did_not_fail(store: Store):
    store.put("resolve-span/a1/executor-logs-0", "chose span 7\n")
    assert steps(store)["resolve-span"].state is State.ENDED


def test_steps_come_in_the_order_of_the_pipeline_and_unknown_ones_last(store: Store):
    for task in ("zest", "train-model", "apologise", "ingest-data"):
        store.done(task)
    assert tuple(steps(store)) == (*ORDER, "apologise", "zest")


def test_a_later_attempt_of_a_step_counts(store: Store):
    store.failed("train-model", "OSError: store away", attempt=0)
    store.done("train-model")
    (store.folder / "train-model/a1/executor-logs-0").rename(
        store.folder / "train-model/a1/executor-logs-10"
    )
    store.failed("train-model", "OSError: store away", attempt=9)
    assert steps(store)["train-model"] == Step(name="train-model", state=State.SUCCEEDED)


def test_of_several_failed_attempts_the_last_one_tells_the_cause(store: Store):
    store.failed("train-model", "OSError: first", attempt=2)
    store.failed("train-model", "OSError: last", attempt=10)
    assert steps(store)["train-model"].cause == "OSError: last"


def test_a_retried_run_executes_a_step_again_beside_what_failed(store: Store):
    store.failed("train-model", "ValueError: too salty", execution="a1")
    store.done("train-model", execution="b2")
    step = steps(store)["train-model"]
    assert (step.state, step.cause) == (State.SUCCEEDED, "ValueError: too salty")


def test_the_log_of_an_older_kfp_has_no_number(store: Store):
    store.put("train-model/a1/executor-logs", "Traceback (most recent call last):\nKeyError: 'a'\n")
    assert steps(store)["train-model"].cause == "KeyError: 'a'"


def test_bytes_that_are_no_text_hide_no_cause(store: Store):
    store.failed("train-model", "ValueError: one")
    path = store.folder / "train-model/a1/executor-logs-0"
    path.write_bytes(b"\xff\xfe progress \x00\n" + path.read_bytes())
    assert steps(store)["train-model"].cause == "ValueError: one"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("fine\nerror: data: no such file; check it\n", "data: no such file; check it"),
        (
            "\x1b[31mTraceback (most recent call last):\x1b[0m\n  File\nKeyError: 'a'\n",
            "KeyError: 'a'",
        ),
        ("Fatal Python error: Segmentation fault\n", "Fatal Python error: Segmentation fault"),
    ],
)
def test_causes_are_read_as_kanaria_runs_reads_them(store: Store, text: str, cause: str):
    store.put("train-model/a1/executor-logs-0", text)
    step = steps(store)["train-model"]
    assert (step.state, step.cause) == (State.FAILED, cause)


def test_a_root_may_have_characters_of_patterns(tmp_path: Path):
    store = Store(tmp_path / "team [a]*?")
    store.done("ingest-data")
    other = Store(tmp_path / "team a")
    other.done("train-model")
    assert steps(store)["ingest-data"].state is State.SUCCEEDED
    assert steps(store)["train-model"].state is State.ABSENT


def test_the_end_of_a_long_log_is_read(store: Store):
    store.failed("train-model", "ValueError: at the end")
    path = store.folder / "train-model/a1/executor-logs-0"
    path.write_text("step 1 of many\n" * 50_000 + path.read_text())
    assert steps(store)["train-model"].cause == "ValueError: at the end"


def test_verdict_and_endpoint_are_read(store: Store):
    store.judged("evaluate-model", False, "auc = 0.5 is below 0.6")
    store.pushed()
    left = step_outputs.read(str(store.folder), ORDER)
    judged = next(step for step in left.steps if step.name == "evaluate-model")
    assert judged.passed is False
    assert judged.verdict == "evaluate_model did not pass: auc = 0.5 is below 0.6"
    assert left.endpoint["revision"] == "tips-predictor-00002"


def test_a_step_that_refuses_keeps_its_report_and_failed_all_the_same(store: Store):
    store.judged("detect-drift", False, "age drifted")
    store.failed("detect-drift", "kanaria.components.shared.errors.DataError: age drifted")
    store.put("detect-drift/a1/report", "<html></html>")
    step = steps(store)["detect-drift"]
    assert (step.state, step.cause, step.passed) == (
        State.FAILED,
        "DataError: age drifted",
        False,
    )
    assert step.report_uris == (f"{store.folder}/detect-drift/a1/report",)


def test_a_traceback_in_the_log_of_a_step_that_passed_is_no_failure(store: Store):
    store.judged("bless-model", True)
    store.failed("bless-model", "OSError: store away, tried again")
    assert steps(store)["bless-model"].state is State.SUCCEEDED


@pytest.mark.parametrize("text", ["", "{", "[]", '{"passed": "yes"}', '{"format": 99}'])
def test_a_damaged_verdict_is_noted_and_none_is_claimed(store: Store, text: str):
    store.put("evaluate-model/a1/outcome/outcome.json", text)
    left = step_outputs.read(str(store.folder), ("evaluate-model",))
    assert left.steps == (Step(name="evaluate-model", state=State.SUCCEEDED),)
    assert len(left.notes) == 1
    assert "outcome.json" in left.notes[0]


def test_a_folder_with_too_many_files_is_read_up_to_a_bound(store: Store):
    for number in range(step_outputs.MOST_READ + 20):
        store.failed("bake", "ValueError: burnt", execution=f"e{number:04}")
    left = step_outputs.read(str(store.folder), ())
    assert left.steps[0].state is State.FAILED
    assert len(left.notes) == 1
    assert "not read, 100 files were" in left.notes[0]


def test_a_run_that_left_nothing_has_all_its_steps(tmp_path: Path):
    left = step_outputs.read(str(tmp_path / "nowhere"), ORDER)
    assert {step.state for step in left.steps} == {State.ABSENT}
    assert left.notes == ()


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        (f"minio://b/v2/artifacts/p/{RUN}/report-run/9/summary", f"minio://b/v2/artifacts/p/{RUN}"),
        (f"/runs/{RUN}/report-run/summary.md", f"/runs/{RUN}"),
    ],
)
def test_the_folder_of_the_run_is_found_above_the_summary(uri: str, folder: str):
    assert step_outputs.run_folder(uri, RUN) == folder


@pytest.mark.parametrize("run_id", ["", "another", RUN[:8]])
def test_a_uri_of_another_run_is_refused(run_id: str):
    with pytest.raises(DataError, match="not below a folder"):
        step_outputs.run_folder(f"s3://b/p/{RUN}/report-run/9/summary", run_id)
