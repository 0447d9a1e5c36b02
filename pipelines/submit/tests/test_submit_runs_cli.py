"""`kanaria runs` as a user calls it, for a server and for this machine."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kfp_contract import Contract
from kfp_state import Frame

from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local import record
from kanaria.pipelines.submit import server_runs, wait_reasons
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.submit_pipeline import Submitted, submit

KANARIA = Path(sys.executable).with_name("kanaria")


@pytest.fixture
def run(server: Server, pipeline: str, arguments: dict[str, Any], root: str) -> Submitted:
    return submit(pipeline, arguments, server=server, pipeline_root=root, run_name="nightly 1")


def kanaria(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KANARIA, "runs", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "BROWSER": "true", **environment},
    )


def here(folder: Path) -> record.RunRecord:
    """A failed run of this machine."""
    run = record.new("taste", {}, {"cook": [], "serve": ["cook"]})
    run.state, run.seconds = record.State.FAILED, 3.0
    run.tasks[0].state, run.tasks[0].cause = record.State.FAILED, "DataError: too salty"
    run.tasks[0].log = "cook/log.txt"
    where = owner_only_files.folder(folder / "runs" / run.run_id)
    record.write(run, where)
    return run


def test_a_server_is_shown_where_one_is_named_and_this_machine_else(
    contract: Contract, run: Submitted, tmp_path: Path
):
    run_here = here(tmp_path / ".kanaria")
    by_option = kanaria("list", "--host", contract.url, cwd=tmp_path)
    by_variable = kanaria("list", cwd=tmp_path, KF_PIPELINES_ENDPOINT=contract.url)
    assert by_option.stdout == by_variable.stdout
    first, line = by_option.stdout.splitlines()
    assert first == f"runs of {contract.url}"
    assert re.fullmatch(rf"nightly 1 +pending +2026-01-31 06:00:00 UTC +.* {run.run_id}", line)
    endpoint = {"KF_PIPELINES_ENDPOINT": contract.url}
    for done in (
        kanaria("list", cwd=tmp_path),
        kanaria("list", "--root", ".kanaria", cwd=tmp_path, **endpoint),
    ):
        first, line = done.stdout.splitlines()
        assert first == "runs of this machine, in .kanaria/runs"
        assert line.startswith(run_here.run_id)
    both = kanaria("list", "--root", ".kanaria", "--host", contract.url, cwd=tmp_path)
    assert (both.returncode, both.stderr.count("\n")) == (1, 1)
    assert "either --host" in both.stderr


def test_show_tells_tasks_causes_and_links_of_a_server(contract: Contract, run: Submitted):
    contract.state.frames = (Frame("FAILED", {"cook": "FAILED"}),)
    folder = Path(run.pipeline_root.removeprefix("file://"), "taste", run.run_id, "cook", "e1")
    folder.mkdir(parents=True)
    (folder / "executor-logs-0").write_text("error: too salty\n")
    done = kanaria("show", "nightly", "--host", contract.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"a run of {contract.url}",
        f"nightly 1 ({run.run_id})",
        "  cook                     failed         12.5 s",
        "failed after 12.5 s",
        "not run: serve-dish",
        f"run: {contract.url}/#/runs/details/{run.run_id}",
        "error: cook: too salty",
        f"log: {folder}/executor-logs-0",
    ]


def test_show_tells_why_a_task_failed_while_its_run_goes_on(contract: Contract, run: Submitted):
    contract.state.frames = (
        Frame("RUNNING", {"cook": "FAILED", "serve-dish": "RUNNING"}, {"cook": "too salty"}),
    )
    done = kanaria("show", "--host", contract.url)
    assert done.stdout.splitlines()[2:] == [
        "  cook                     failed         12.5 s",
        "  serve-dish               running",
        "running",
        f"run: {run.link}",
        "error: cook: too salty",
    ]


def test_show_tells_tasks_and_causes_of_this_machine(tmp_path: Path):
    run = here(tmp_path / ".kanaria")
    done = kanaria("show", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        f"a run of this machine: {run.run_id}",
        "  cook                     failed",
        "  serve                    pending",
        "error: cook: DataError: too salty",
        "log: cook/log.txt",
        "failed in 3.0 s",
        "not run: serve",
        str(tmp_path / ".kanaria" / "runs" / run.run_id / "index.html"),
    ]


@pytest.mark.parametrize(
    ("frames", "code", "said"),
    [
        ((Frame("SUCCEEDED", {"cook": "CACHED"}),), 0, "succeeded"),
        ((Frame("FAILED", {"cook": "FAILED"}, {"cook": "too salty"}),), 1, "failed"),
        ((Frame("CANCELING"), Frame("FAILED", {"cook": "FAILED"})), 3, "cancelled"),
    ],
)
def test_watch_follows_a_run_and_exits_as_submit_does(
    contract: Contract, run: Submitted, frames: tuple[Frame, ...], code: int, said: str
):
    contract.state.frames = frames
    done = kanaria("watch", "--host", contract.url)
    assert done.returncode == code
    assert done.stdout.startswith(f"nightly 1: {run.link}\n")
    assert f"{said} after " in done.stdout
    assert done.stderr == ("error: cook: too salty\n" if code == 1 else "")


def test_ctrl_c_leaves_a_watched_run_alone(contract: Contract, run: Submitted):
    contract.state.frames = (Frame("RUNNING", {"cook": "RUNNING"}),)
    command = [KANARIA, "runs", "watch", run.run_id, "--host", contract.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert any("cook" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate()
    assert process.returncode == 130
    assert f"kanaria runs cancel {run.run_id} --host {contract.url}" in rest
    assert not contract.requests_like(f"POST runs/{run.run_id}")


def test_cancel_and_retry(contract: Contract, run: Submitted):
    contract.state.frames = (Frame("RUNNING", {"cook": "RUNNING"}),)
    at = ("nightly 1", "--host", contract.url)
    early = kanaria("retry", *at)
    assert (early.returncode, early.stderr.count("\n")) == (1, 1)
    cancelled = kanaria("cancel", *at)
    assert (cancelled.returncode, cancelled.stderr) == (0, "")
    assert "\ncancelled after " in cancelled.stdout
    again = kanaria("cancel", *at)
    assert (again.returncode, "has ended already" in again.stderr) == (1, True)
    retried = kanaria("retry", *at)
    assert retried.stdout == (
        f"goes on: {run.link}\n"
        f"to wait for it: kanaria runs watch {run.run_id} --host {contract.url}\n"
    )
    assert kanaria("watch", *at).returncode == 0


def test_open_prints_the_page_of_a_server(contract: Contract, run: Submitted):
    assert kanaria("open", "night", "--host", contract.url).stdout == f"{run.link}\n"


WRONG = [
    (("watch", "x"), "host is missing"),
    (("watch", "x", "--root", "r"), "is for runs on a server"),
    (("show", "x"), "no such run in .kanaria/runs"),
    (("show", "x", "--host", "HOST"), "there is none on"),
    (("cancel", "x", "--host", "ftp://x"), "give an address as"),
]


@pytest.mark.parametrize(("arguments", "fault"), WRONG, ids=[fault for _, fault in WRONG])
def test_a_wrong_input_is_one_line(
    contract: Contract, tmp_path: Path, arguments: tuple[str, ...], fault: str
):
    done = kanaria(*[a.replace("HOST", contract.url) for a in arguments], cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert fault in done.stderr


@pytest.mark.parametrize("arguments", [("cancel",), ("retry",), ("list", "--most", "0"), ("stop",)])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], tmp_path: Path):
    assert kanaria(*arguments, cwd=tmp_path).returncode == 2


def test_a_wait_is_explained_and_never_ends_the_waiting(
    contract: Contract,
    run: Submitted,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    contract.state.frames = (
        Frame("RUNNING", {"cook": "WAITING"}),
        Frame("RUNNING", {"cook": "WAITING"}),
        Frame("SUCCEEDED", {"cook": "SUCCEEDED"}),
    )
    finished = server_runs.wait(run, server, poll_seconds=0)
    assert finished.outcome.value == 0
    (line,) = [text for text in capsys.readouterr().out.splitlines() if "waits for" in text]
    assert line.startswith("  cook waits for a pod since 06:00:00 UTC (")
    assert "the cluster cannot be asked why (kubernetes: " in line
    assert line.endswith(f"look with `{wait_reasons.look(run.run_id, 'kubeflow')}`")
