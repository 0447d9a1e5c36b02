"""Why tasks failed, from logs that lie where KFP's launcher puts them."""

import json
from pathlib import Path

import pytest

from kanaria.components.shared import log_cause
from kanaria.pipelines.submit import failure_causes
from kanaria.pipelines.submit.run_snapshot import State, Task

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/usr/lib/python3.11/runpy.py", line 196, in _run',
    "    return run()",
]
GROUP = [
    f"  + Exception Group {TRACEBACK[0]}",
    *(f"  | {line}" for line in TRACEBACK[1:]),
    "  | ExceptionGroup: two (1 sub-exception)",
    "  +-+---------------- 1 ----------------",
    *(f"    | {line}" for line in [*TRACEBACK, "OSError: b"]),
]
HIDDEN = "\x1b[31mValueError: no \x1b[1mcolumn\x1b[0m\x07 'fare'\x1b]0;owned\x07\u202e"
LOGS = {
    "a traceback of a foreign step": (
        [*TRACEBACK, "ValueError: no column"],
        "ValueError: no column",
    ),
    "one of ours": (
        [*TRACEBACK, "kanaria.components.shared.errors.DataError: data='x': no rows; add some"],
        "DataError: data='x': no rows; add some",
    ),
    "the last of two": (
        [*TRACEBACK, "KeyError: 'a'", "", "During handling of it:", "", *TRACEBACK, "OSError: b"],
        "OSError: b",
    ),
    "a message of several lines": (
        [*TRACEBACK, "RuntimeError: first", "second"],
        "RuntimeError: first",
    ),
    "a command's last line": (["working", "error: port 80: taken"], "port 80: taken"),
    "a command's line after a traceback": ([*TRACEBACK, "OSError: b", "error: gave up"], "gave up"),
    "colours and a title": ([*TRACEBACK, HIDDEN], "ValueError: no column 'fare'"),
    "what goes down last": (
        [*TRACEBACK, "ValueError: a", "Exception ignored in: <x>", *TRACEBACK, "OSError: late"],
        "ValueError: a",
    ),
    "a group": ([*GROUP, "    +------------------------------------"], "OSError: b"),
    "a crash of the interpreter": (
        ["Fatal Python error: Segmentation fault", "", "Current thread (most recent call first):"],
        "Fatal Python error: Segmentation fault",
    ),
    "only chatter": (["step 1", "step 2"], ""),
    "nothing": ([], ""),
}


def task(node: str = "train", **fields: object) -> Task:
    return Task(key=node, name=node, node=node, state=State.FAILED, seconds=1.0, **fields)


def log(folder: Path, text: str, execution: str = "e1", attempt: str = "-0") -> Path:
    path = folder / "train" / execution / f"executor-logs{attempt}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", LOGS)
def test_the_line_that_says_why(name: str):
    lines, expected = LOGS[name]
    assert log_cause.said(lines) == expected


def test_a_failed_task_gets_its_cause_and_its_log(tmp_path: Path):
    path = log(tmp_path, "\n".join([*TRACEBACK, "ValueError: a"]))
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert (failed.cause, failed.log) == ("ValueError: a", str(path))


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(failure_causes, "TAIL_BYTES", 100)
    log(tmp_path, "error: an old one\n" + "x" * 1000 + "\nerror: the last one\n")
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert failed.cause == "the last one"


def test_a_message_that_holds_a_whole_batch_is_cut_and_told(tmp_path: Path):
    log(tmp_path, "\n".join([*TRACEBACK, "ValueError: bad batch " + "x" * 1_000_000]))
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert failed.cause.startswith("ValueError: bad batch xxx")
    assert failed.cause.endswith("… (1000022 characters)")
    assert failed.certain


def test_a_line_that_is_longer_than_what_is_read_is_told_by_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(failure_causes, "TAIL_BYTES", 10)
    monkeypatch.setattr(failure_causes, "MOST_BYTES", 20)
    log(tmp_path, "x" * 100 + "the end")
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert "ends with 'xxxxxxxxxxxxxthe end'" in failed.cause


def test_a_log_of_a_gigabyte_is_not_read_whole(tmp_path: Path):
    path = log(tmp_path, "")
    with path.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\nerror: at last\n")
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert failed.cause == "at last"


def test_the_last_attempt_counts_and_ten_is_after_nine(tmp_path: Path):
    for attempt in (0, 9, 10):
        log(tmp_path, f"error: attempt {attempt}", attempt=f"-{attempt}")
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert failed.cause == "attempt 10"


def test_a_loop_names_the_causes_of_its_failed_turns_alone(tmp_path: Path):
    for execution, text in (("a", "error: x"), ("b", "all went well"), ("c", "error: y")):
        log(tmp_path, text, execution)
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert failed.cause == "x; y"


def test_a_log_without_an_error_is_told_as_such(tmp_path: Path):
    path = log(tmp_path, "step 1\rstep 2\r\n")
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert (
        failed.cause == "failed, and its log tells no error but ends with 'step 2': was it killed?"
    )
    assert failed.log == str(path)


def test_a_task_that_left_no_log_is_told_as_such(tmp_path: Path):
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task()])
    assert "left no log" in failed.cause
    assert "its pod may never have run" in failed.cause


def test_a_store_that_cannot_be_read_is_told_with_where_the_log_lies(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("S3_ENDPOINT", "no endpoint")
    folder = failure_causes.place("s3://bucket/artifacts?region=eu", "taste", "r1")
    (failed,) = failure_causes.of_tasks(folder, [task()])
    assert "its log cannot be read from here (" in failed.cause
    assert failed.log == "s3://bucket/artifacts/taste/r1/train/*/executor-logs-0"


def test_without_a_root_it_is_said_where_the_log_is():
    (failed,) = failure_causes.of_tasks(failure_causes.place("", "taste", "r1"), [task()])
    assert "the server's own pipeline root" in failed.cause
    assert "--pipeline-root" in failed.cause


def test_what_the_server_tells_itself_stays(tmp_path: Path):
    log(tmp_path, "error: another")
    (failed,) = failure_causes.of_tasks(str(tmp_path), [task(cause="too salty")])
    assert failed.cause == "too salty"


def judged(folder: Path, passed: bool) -> None:
    reason = {"severity": "ERROR", "subject": "fare", "kind": "drift", "text": "fare drifted"}
    raw = {"step": "detect_drift", "passed": passed, "reasons": [reason], "notes": []}
    path = folder / "detect" / "e1" / "outcome" / "outcome.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"format": 1, **raw, "thresholds": {}}))


@pytest.mark.parametrize(
    ("passed", "said"), [(False, ("detect_drift did not pass: fare drifted",)), (True, ())]
)
def test_what_a_judging_step_did_not_let_pass(tmp_path: Path, passed: bool, said: tuple[str, ...]):
    judged(tmp_path, passed)
    assert failure_causes.of_judges(str(tmp_path), ("detect",), [task("detect")]) == (said, "")


def test_a_judging_step_that_took_an_earlier_result_is_not_looked_for():
    assert failure_causes.of_judges("", ("detect",), [task("detect", cached=True)]) == ((), "")


def test_an_outcome_that_is_out_of_reach_is_told():
    judgements, trouble = failure_causes.of_judges("", ("detect",), [task("detect")])
    assert judgements == ()
    assert trouble.startswith("what detect found lies below the server's own pipeline root")
