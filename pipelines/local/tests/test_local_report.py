from pathlib import Path

from kanaria.pipelines.local import report
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord


def run(state: State, *tasks: TaskRecord) -> RunRecord:
    return RunRecord(
        run_id="bakery-1",
        pipeline="bakery",
        arguments={"flour": "rye"},
        started="2026-11-29T18:00:00.123+00:00",
        state=state,
        tasks=[*tasks],
        seconds=83.2,
    )


def test_while_a_run_goes_on_its_page_says_what_runs_and_is_read_again():
    page = report.render(run(State.RUNNING, TaskRecord(name="a/bake", state=State.RUNNING)), Path())
    assert "Running: bake." in page
    assert '<meta http-equiv="refresh"' in page


def test_the_page_of_an_ended_run_stays_as_it_is():
    page = report.render(run(State.SUCCEEDED), Path())
    assert "http-equiv" not in page
    assert "Run succeeded in 1 min 23 s." in page
    assert "bakery, started 2026-11-29 18:00:00 UTC" in page


def test_a_task_that_an_earlier_failure_kept_from_its_turn_was_not_run():
    failed = TaskRecord(
        name="bake", state=State.FAILED, cause="no flour\nbuy some", log="/r/log.txt"
    )
    page = report.render(run(State.FAILED, failed, TaskRecord(name="sell")), Path("/r"))
    assert '<span class="note">not run</span>' in page.partition(">sell<")[2]
    assert '<b>bake</b>: <span class="long bad">no flour\nbuy some</span>' in page
    assert '<a href="log.txt">log</a>' in page


def test_a_judging_task_tells_its_verdict():
    told = {"outcome": {"summary": "taste did not pass: too salty"}}
    task = TaskRecord(name="taste", parameters={"Output": False, "salt": 3}, metadata=told)
    page = report.render(run(State.SUCCEEDED, task), Path())
    assert "taste did not pass: too salty, salt = 3" in page


def test_reports_stand_before_folders_and_metadata_without_files_is_no_link(tmp_path: Path):
    (tmp_path / "model").mkdir()
    made = {n: str(tmp_path / n) for n in ("report.html", "model", "metrics")}
    task = TaskRecord(name="bake", state=State.SUCCEEDED, artifacts=made)
    page = report.render(run(State.SUCCEEDED, task), tmp_path)
    assert page.index('href="report.html"') < page.index('href="model"')
    assert 'href="metrics"' not in page
