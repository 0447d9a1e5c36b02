"""`kanaria audit` as it is typed, on a state folder with a trail and a rollout."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.serving.audit.entry import Entry
from kanaria.serving.audit.trail_files import FILE, FileTrails
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.stored_rollout import Rollout, Target
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.observations.between_readings import Memory
from kanaria.serving.rollout.policy.rollout_policy import Policy

KANARIA = Path(sys.executable).with_name("kanaria")
NAMES = ("default", "tips")
EVALUATION = {
    "split": "eval",
    "rows": 4131,
    "against": "",
    "metrics": {"auc": {"value": 0.81234, "low": 0.8011, "high": 0.8235}},
}
CHECK = {"check": "load", "verdict": "passed", "reasons": [], "numbers": {"p99_ms": 31.5}}
ENTRIES = (
    Entry(
        when=0.0,
        who="push_model of run r-1",
        what="push",
        about="s3://m/tips/7b/model",
        why="bless_model passed",
        numbers={"evaluation": EVALUATION, "canary_percent": 10, "release": "7b"},
    ),
    Entry(
        when=60.0,
        who="push_model of run r-1",
        what="pushed",
        about="s3://m/tips/7b/model",
        numbers={"revision": "tips-00002", "percent": 10, "checks": [CHECK]},
    ),
)


def audit(state: Path, *words: str, service: str = "tips") -> subprocess.CompletedProcess[str]:
    command = [KANARIA, "audit", service, "--state", state, *words]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    FileTrails(tmp_path).append(*NAMES, lambda _: ENTRIES)
    return tmp_path


def test_it_tells_who_decided_what_and_on_which_numbers(state: Path):
    done = audit(state)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "default/tips: 2 entries",
        "1 1970-01-01 00:00:00 push s3://m/tips/7b/model by push_model of run r-1",
        "    bless_model passed",
        "    release 7b, canary percent 10",
        "    evaluated on 4,131 rows of eval",
        "    auc 0.8123 [0.8011, 0.8235]",
        "2 1970-01-01 00:01:00 pushed s3://m/tips/7b/model by push_model of run r-1",
        "    revision tips-00002, percent 10",
        "    check load passed: p99_ms 31.5",
    ]


def test_as_json_each_entry_is_a_line_with_its_hash(state: Path):
    first, last = map(json.loads, audit(state, "--json").stdout.splitlines())
    assert (first["number"], first["numbers"]["evaluation"]) == (1, EVALUATION)
    assert last["hash"] == FileTrails(state).read(*NAMES).head


def test_the_head_that_is_printed_is_the_one_to_expect_later(state: Path):
    head = audit(state, "--verify").stdout.split()[-1]
    FileTrails(state).append(*NAMES, lambda _: ENTRIES[:1])
    done = audit(state, "--verify", "--expect", head)
    assert done.returncode == 0
    assert "entry 2 has the hash that was noted; 1 entry since" in done.stdout
    path = state.joinpath(*NAMES, FILE)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    assert audit(state, "--verify").returncode == 0  # A chain cannot know where it ended.
    done = audit(state, "--verify", "--expect", head)
    assert done.returncode == 1
    assert f"no entry has the hash {head}" in done.stderr
    path.unlink()
    assert audit(state, "--expect", head).returncode == 1


@pytest.mark.parametrize("words", [(), ("--verify",), ("--json",)])
def test_a_changed_byte_fails_each_way_to_look(state: Path, words: tuple[str, ...]):
    path = state.joinpath(*NAMES, FILE)
    path.write_bytes(path.read_bytes().replace(b"0.81234", b"0.91234"))
    done = audit(state, *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the audit trail is damaged: entry 1 is not what was written" in done.stderr
    assert "0.9123" not in done.stdout


def test_what_is_decided_and_not_in_the_trail_is_told(state: Path):
    target = Target(
        namespace="default", service="tips", canary="b", stable="a", canary_uri="", stable_uri=""
    )
    rollout = Rollout(
        number=1,
        target=target,
        policy=Policy(),
        started=1.0,
        started_by="kim",
        state=begin(1.0),
        memory=Memory(),
    )
    FileStore(state).create(rollout)
    assert "not in the trail yet: 1970-01-01 00:00:01 start b by kim" in audit(state).stdout
    done = audit(state, "--verify")
    assert done.returncode == 1
    assert "1 decision is recorded with the rollouts" in done.stdout


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--namespace", "other"), "other/tips: no audit trail"),
        (("--expect", "abc"), "--expect 'abc': a hash has 64 digits"),
    ],
)
def test_what_cannot_be_asked_is_one_line(state: Path, words: tuple[str, ...], fault: str):
    done = audit(state, *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert fault in done.stderr
