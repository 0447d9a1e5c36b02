"""The commands as a user calls them."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kfp_contract import Contract
from kfp_state import Frame

from kanaria.pipelines import cli

KANARIA = Path(sys.executable).with_name("kanaria")


@pytest.fixture
def options(contract: Contract, pipeline: str, arguments: dict[str, Any], root: str) -> list[str]:
    settings = [part for name, value in arguments.items() for part in ("--set", f"{name}={value}")]
    registry = ["--image-prefix", "registry.example.com/ml"]
    return [pipeline, *settings, "--pipeline-root", root, "--host", contract.url, *registry]


def kanaria(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KANARIA, *arguments], capture_output=True, text=True)


def test_submit_prints_version_link_progress_and_the_end(contract: Contract, options: list[str]):
    contract.state.frames = (
        Frame("RUNNING", {"cook": "RUNNING"}),
        Frame("SUCCEEDED", {"cook": "SUCCEEDED", "condition-1": "SKIPPED"}),
    )
    done = kanaria("submit", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    pattern = (
        r"pipeline: taste-[0-9a-f]{12} \(uploaded\)\n"
        r"account: the one of KFP \(no cluster could be asked for kanaria-pipeline; .*\)\n"
        rf"run: {re.escape(contract.url)}/#/runs/details/run-\d+\n"
        r"  cook +running\n"
        r"  cook +succeeded +12\.5 s\n"
        r"  tasty +skipped\n"
        r"succeeded after \d+\.\d s\n"
    )
    assert re.fullmatch(pattern, done.stdout), done.stdout


def test_a_failed_run_exits_with_1_and_names_the_task(contract: Contract, options: list[str]):
    contract.state.frames = (Frame("FAILED", {"cook": "FAILED"}, {"cook": "too salty"}),)
    done = kanaria("submit", *options)
    assert (done.returncode, done.stderr) == (1, "error: cook: too salty\n")
    assert "failed after" in done.stdout


def test_a_cancelled_run_exits_with_3(contract: Contract, options: list[str]):
    contract.state.frames = (Frame("CANCELING"), Frame("FAILED", {"cook": "FAILED"}))
    done = kanaria("submit", *options)
    assert done.returncode == 3
    assert "cancelled after" in done.stdout
    assert done.stderr == ""


def test_without_waiting_the_link_is_the_last_line(contract: Contract, options: list[str]):
    done = kanaria("submit", *options, "--no-wait")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith(f"run: {contract.url}/#/runs/details/")
    assert not contract.requests_like("GET runs")


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_stop_it(
    contract: Contract, options: list[str]
):
    contract.state.frames = (Frame("RUNNING", {"cook": "RUNNING"}),)
    process = subprocess.Popen([KANARIA, "submit", *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    assert any("cook" in line for line in lines)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate()
    assert process.returncode == 130
    (run_id,) = contract.state.runs
    assert f"the run may go on: {contract.url}/#/runs/details/{run_id}" in rest
    assert f"kanaria runs cancel {run_id} --host {contract.url}\n" in rest
    assert f"kanaria runs watch {run_id} --host {contract.url}\n" in rest
    assert not contract.requests_like("POST runs/")


def test_the_verbs_of_schedule(contract: Contract, options: list[str]):
    connection = ["--host", contract.url]
    created = kanaria("schedule", "create", "nightly", *options, "--cron", "0 6 * * *")
    assert (created.returncode, created.stderr) == (0, "")
    assert created.stdout.splitlines()[-1] == "schedule: nightly, 0 0 6 * * *"
    assert kanaria("schedule", "pause", "nightly", *connection).stdout == "paused: nightly\n"
    listed = kanaria("schedule", "list", *connection).stdout
    assert listed.split() == [
        *("nightly", "paused", "0", "0", "6", "*", "*", "*"),
        *("at", "most", "1", "at", "a", "time,", "no", "catch-up"),
    ]
    assert kanaria("schedule", "resume", "nightly", *connection).stdout == "resumed: nightly\n"
    assert kanaria("schedule", "delete", "nightly", *connection).stdout == "deleted: nightly\n"
    assert contract.state.schedules == {}


CREATE = ("schedule", "create", "nightly", "PIPELINE", "--host", "HOST")
SUBMIT = ("submit", "PIPELINE", "--host", "HOST")
WRONG = [
    (("submit", "PIPELINE"), "host is missing"),
    (("submit", "PIPELINE", "--host", "ftp://x"), "give an address as"),
    (("submit", "absent.yaml", "--host", "HOST"), "absent.yaml: cannot be read: No such file"),
    (
        ("submit", "unknown", "--host", "HOST"),
        "name train_and_deploy, retrain, promote, watch_for_drift, score or a compiled",
    ),
    (("submit", "EMPTY", "--host", "HOST"), "holds no compiled pipeline"),
    ((*SUBMIT, "--config", "absent.yaml"), "absent.yaml: cannot be read"),
    ((*SUBMIT, "--set", "data"), "write name=value"),
    ((*SUBMIT,), "data is missing"),
    ((*SUBMIT, "--set", "date=s3://x"), "did you mean data?"),
    ((*SUBMIT, "--set", "spice=much"), "give a whole number"),
    ((*SUBMIT, "--set", "table=[1]"), "give a mapping"),
    ((*SUBMIT, "--set", "data=here.csv"), "pods see no path of this machine"),
    ((*SUBMIT, "--set", "module_file=absent.py"), "no such file"),
    ((*SUBMIT, "--set", "module_file=EMPTY"), "pipeline_root is missing"),
    ((*SUBMIT, "--pipeline-root", "here"), "pipeline_root='here': pods see no path"),
    ((*CREATE, "--cron", "0 6 * *"), "4 fields; write 5"),
    ((*CREATE, "--cron", "0 25 * * *"), "hour: 25 is out of range"),
    ((*CREATE, "--every", "6"), "write a duration as"),
    ((*CREATE, "--every", "6h", "--start", "soon"), "write a time as"),
    ((*CREATE, "--every", "6h", "--max-concurrency", "11"), "use 1 to 10"),
    (("schedule", "pause", "nightly", "--host", "HOST"), "there is none"),
    (("schedule", "list", "--host", "HOST", "--token-file", "absent"), "no such file"),
]


@pytest.mark.parametrize(("arguments", "fault"), WRONG, ids=[fault for _, fault in WRONG])
def test_a_wrong_input_is_one_line_and_starts_nothing(
    contract: Contract,
    pipeline: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    fault: str,
):
    empty = tmp_path / "empty.yaml"
    empty.touch()
    line = "\n".join(arguments).replace("EMPTY", str(empty)).replace("HOST", contract.url)
    words = line.replace("PIPELINE", pipeline).split("\n")
    monkeypatch.setattr(sys, "argv", ["kanaria", *words])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    written = capsys.readouterr()
    assert raised.value.code == 1
    assert written.err.startswith("error: ")
    assert written.err.count("\n") == 1
    assert fault in written.err
    assert not [request for request in contract.requests if not request.startswith("GET")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("schedule",),
        ("schedule", "stop", "nightly"),
        ("schedule", "create", "nightly", "p.yaml"),
        ("schedule", "create", "nightly", "p.yaml", "--cron", "@daily", "--every", "6h"),
        ("submit",),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]):
    assert kanaria(*arguments).returncode == 2
