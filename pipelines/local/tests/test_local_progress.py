import io

from kanaria.pipelines.local import progress, summary
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    task = TaskRecord(name="bake")
    show = progress.on(stream)
    for state, seconds in ((State.RUNNING, 0.0), (State.RUNNING, 1.2), (State.SUCCEEDED, 2.0)):
        task.state, task.seconds = state, seconds
        show(task)
    return stream.getvalue()


def test_a_file_gets_one_line_a_task():
    assert shown(io.StringIO()).split() == ["bake", "succeeded", "2.0", "s"]


def test_a_terminal_shows_the_seconds_while_a_task_runs():
    lines = shown(Terminal()).split("\r\x1b[K")
    assert [line.split() for line in lines[1:]] == [
        ["bake", "running"],
        ["bake", "running", "1.2", "s"],
        ["bake", "succeeded", "2.0", "s"],
    ]


def record(*tasks: TaskRecord) -> RunRecord:
    return RunRecord(
        run_id="r", pipeline="p", arguments={}, started="", state=State.FAILED, tasks=[*tasks]
    )


def test_the_summary_names_what_was_reused_and_what_was_not_run():
    tasks = (TaskRecord(name="a", state=State.REUSED), TaskRecord(name="b", state=State.FAILED))
    text = summary.text(record(*tasks, TaskRecord(name="c"), TaskRecord(name="d")), "index.html")
    assert text == "failed in 0.0 s, 1 tasks reused\nnot run: c, d\nindex.html\n"


def test_the_summary_names_reports_and_the_endpoint():
    values = {"url": "http://localhost/v1", "revision": "tips-00002", "percent": 10}
    task = TaskRecord(
        name="push",
        artifacts={"report": "/run/report.html", "endpoint": "/run/endpoint"},
        metadata={"endpoint": values},
    )
    lines = summary.text(record(task), "index.html").splitlines()
    assert "report: /run/report.html" in lines
    assert "endpoint: http://localhost/v1 (tips-00002, 10 %)" in lines


def test_the_summary_says_why_nothing_was_pushed():
    task = TaskRecord(name="push", metadata={"endpoint": {"url": "", "reason": "not pushed: AUC"}})
    assert "endpoint: not pushed: AUC\n" in summary.text(record(task), "index.html")
