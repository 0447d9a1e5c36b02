import math
import re
from pathlib import Path

import pytest

from kanaria.components.shared.html_report.html_page import MOST_BYTES
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.run_page import page

HOSTILE = "</title></script><script>alert(1)</script>"
CHECK = {"metric": "auc", "candidate": 0.91, "limit": "at least 0.7", "passed": True}
ENDPOINT = {
    "pushed": True,
    "reason": "bread-1 is ready and gets 10 %",
    "name": "bread",
    "namespace": "shop",
    "revision": "bread-1",
    "url": "http://127.0.0.1:8080",
    "storage_uri": "s3://b/bread/0a1b/model",
    "version": "0a1b",
    "percent": 10,
}


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


def rendered(state: State, *tasks: TaskRecord, folder: Path = Path()) -> str:
    return page.render(run(state, *tasks), folder)


def cells(document: str, row: str) -> list[str]:
    """Return the texts of the table row that begins with a cell."""
    rows = re.findall(r"<tr>(.*?)</tr>", document, re.DOTALL)
    texts = [re.findall(r"<td[^>]*>(.*?)</td>", one, re.DOTALL) for one in rows]
    return next(
        [re.sub("<[^>]+>", "", text).strip() for text in one]
        for one in texts
        if one and re.sub("<[^>]+>", "", one[0]) == row
    )


def test_while_a_run_goes_on_its_page_says_what_runs_and_is_read_again():
    document = rendered(State.RUNNING, TaskRecord(name="a/bake", state=State.RUNNING))
    assert "Running: bake." in document
    assert '<meta http-equiv="refresh"' in document


def test_the_page_of_an_ended_run_stays_as_it_is():
    document = rendered(State.SUCCEEDED)
    assert "http-equiv" not in document
    assert "Run succeeded in 1 min 23 s." in document
    assert "bakery, started 2026-11-29 18:00:00 UTC" in document


def test_a_task_that_an_earlier_failure_kept_from_its_turn_was_not_run():
    failed = TaskRecord(
        name="bake", state=State.FAILED, cause="no flour\nbuy some", log="/r/log.txt"
    )
    document = rendered(State.FAILED, failed, TaskRecord(name="sell"), folder=Path("/r"))
    assert cells(document, "sell")[1] == "○ not run"
    assert '<b>bake</b>: <span class="long bad">no flour\nbuy some</span>' in document
    assert '<a href="log.txt">log</a>' in document


def test_a_judging_task_tells_its_verdict():
    metadata = {"outcome": {"summary": "taste did not pass: too salty"}}
    task = TaskRecord(name="taste", parameters={"Output": False, "salt": 3}, metadata=metadata)
    assert cells(rendered(State.SUCCEEDED, task), "taste")[5] == (
        "taste did not pass: too salty, salt = 3"
    )


def test_reports_stand_before_folders_and_metadata_without_files_is_no_link(tmp_path: Path):
    (tmp_path / "model").mkdir()
    made = {n: str(tmp_path / n) for n in ("report.html", "model", "metrics")}
    task = TaskRecord(name="bake", state=State.SUCCEEDED, artifacts=made)
    document = rendered(State.SUCCEEDED, task, folder=tmp_path)
    assert document.index('href="report.html"') < document.index('href="model"')
    assert 'href="metrics"' not in document


def test_each_state_has_a_sign_and_a_word_of_its_own():
    tasks = [TaskRecord(name=state, state=state, after=["pending"]) for state in State]
    lasting = [task for task in tasks if task.state is not State.INTERRUPTED]
    document = rendered(State.RUNNING, *lasting)
    shown = [cells(document, task.name)[1].split() for task in lasting]
    assert [word for _, word in shown] == [task.state.value for task in lasting]
    assert len({sign for sign, _ in shown}) == len(lasting)
    drawn = re.findall(r'class="sign">(.)</text>', document)
    assert drawn == [sign for sign, _ in shown]


def test_the_graph_leads_from_each_task_to_its_row():
    mix = TaskRecord(name="mix", state=State.SUCCEEDED, seconds=1.25)
    document = rendered(State.SUCCEEDED, mix, TaskRecord(name="if-1/bake", after=["mix"]))
    assert re.findall(r'<a href="#(task-\d)"><g', document) == ["task-0", "task-1"]
    assert all(f'id="task-{place}"' in document for place in (0, 1))
    assert "succeeded, 1.2 s</text>" in document
    assert "<title>if-1/bake: not run</title>" in document
    assert cells(document, "bake")[7] == "mix"


def test_a_record_of_before_has_no_graph_and_the_same_table():
    document = rendered(State.SUCCEEDED, TaskRecord(name="mix"), TaskRecord(name="bake"))
    assert "<svg" not in document
    assert cells(document, "bake")[7] == ""


def test_bars_stand_where_their_tasks_ran_in_the_run():
    first = TaskRecord(name="mix", state=State.SUCCEEDED, seconds=20.8)
    second = TaskRecord(name="bake", state=State.SUCCEEDED, began=41.6, seconds=41.6)
    document = rendered(State.SUCCEEDED, first, second)
    assert re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", document) == [
        ("0.0", "25.0"),
        ("50.0", "50.0"),
    ]


def test_a_blessing_shows_the_metric_that_decided_beside_its_limit():
    metadata = {"outcome": {"passed": True, "summary": "bless passed", "deciding": [CHECK]}}
    document = rendered(State.SUCCEEDED, TaskRecord(name="bless", metadata=metadata))
    assert "<b>✓ bless </b>bless passed" in document
    assert cells(document, "auc") == ["auc", "0.91", "–", "at least 0.7", "✓ holds"]


def test_metrics_stand_beside_the_live_models_and_are_told_once():
    alone = {"display_name": "metrics: auc 0.91", "auc": 0.91}
    both = {**alone, "baseline_auc": 0.9, "loss": "nan"}
    kinds = {"metrics": "system.Metrics", "model": "system.Model"}
    tasks = [
        TaskRecord(name=name, types=kinds, metadata={"metrics": metrics, "model": {"seed": 7}})
        for name, metrics in (("evaluate", alone), ("bless", both))
    ]
    document = rendered(State.SUCCEEDED, *tasks)
    assert cells(document, "auc") == ["auc", "0.91", "0.9", "0.01"]
    assert cells(document, "loss") == ["loss", "nan", "–", "–"]
    assert document.count(">auc<") == 1
    assert "seed" not in document


def test_a_release_is_told_with_its_whole_fingerprint():
    tasks = [
        TaskRecord(name="train", metadata={"model": {"fingerprint": "0a1b2c3d"}}),
        TaskRecord(name="push", metadata={"endpoint": ENDPOINT}),
    ]
    document = rendered(State.SUCCEEDED, *tasks)
    facts = ("model", "fingerprint", "service", "revision", "share of requests", "address")
    assert [cells(document, fact)[1] for fact in facts] == [
        "s3://b/bread/0a1b/model",
        "0a1b2c3d",
        "shop/bread",
        "bread-1",
        "10 %",
        "http://127.0.0.1:8080",
    ]


def test_a_model_that_was_not_pushed_says_why_in_red():
    refused = {**ENDPOINT, "pushed": False, "reason": "not pushed: load: too slow", "url": ""}
    document = rendered(State.SUCCEEDED, TaskRecord(name="push", metadata={"endpoint": refused}))
    assert '<p class="bad long">not pushed: load: too slow</p>' in document


@pytest.mark.parametrize("value", [HOSTILE, math.nan, math.inf, None, [], {}, True, 10**400])
def test_whatever_steps_of_others_tell_is_only_text(value: object):
    metadata = {
        "outcome": {"passed": True, "summary": value, "deciding": [{"metric": value}, value]},
        "metrics": {"metric": value, "baseline_metric": value, HOSTILE: 1},
        "endpoint": {**ENDPOINT, "url": value, "reason": value, "version": value},
    }
    task = TaskRecord(
        name=HOSTILE,
        after=[HOSTILE, "unknown"],
        cause=str(value),
        types={"metrics": "system.Metrics"},
        parameters={HOSTILE: HOSTILE},
        metadata=metadata,
    )
    other = TaskRecord(name="x" * 300, after=[HOSTILE])
    assert "alert(1)</script>" not in rendered(State.FAILED, task, other)


def test_a_run_of_very_many_tasks_stays_below_the_size_of_a_page():
    tasks = [
        TaskRecord(name=f"task-{n}" * 20, after=[f"task-{k}" * 20 for k in range(max(0, n - 5), n)])
        for n in range(1000)
    ]
    assert len(rendered(State.RUNNING, *tasks).encode()) < MOST_BYTES
