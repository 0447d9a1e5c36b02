"""A new user: `kanaria init`, then every command that the project's own pages name, in their order.

The tests build on one another in order.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KANARIA = Path(sys.executable).with_name("kanaria")
START_SECONDS = 300
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a blank")
    subprocess.run([KANARIA, "init", "my-project"], cwd=folder, check=True, capture_output=True)
    return folder / "my-project"


def make(project: Path, *words: str) -> Done:
    """Call make as a new user has it: nothing of this test's environment names Kanaria."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("KANARIA", "MAKE"))}
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def test_its_own_tests_pass_and_none_is_skipped(project: Path):
    done = make(project, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    ended = re.findall(r"=+ (.*) in [\d.]+s", done.stdout)
    assert len(ended) == 2
    assert all(re.fullmatch(r"\d+ passed", line) for line in ended), ended


def test_lint_and_compile_leave_nothing_to_commit(project: Path):
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run([*git, *words], check=True)
    done = make(project, "check", "compile")
    assert done.returncode == 0, done.stdout + done.stderr
    # As the workflow compares; what the tests and the runs leave is ignored.
    subprocess.run([*git, "diff", "--exit-code", "pipeline.yaml"], check=True)
    left = subprocess.run([*git, "status", "--short"], capture_output=True, text=True, check=True)
    assert left.stdout == ""


@pytest.fixture(scope="module")
def ran(project: Path) -> Done:
    return make(project, "run")


def test_the_run_pushes_the_first_model(ran: Done):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "my-project-predictor-00001 gets 100 %" in ran.stdout


@pytest.fixture(scope="module")
def url(project: Path, ran: Done) -> Iterator[str]:
    assert ran.returncode == 0
    file = project / ".kanaria/serving/server.json"
    file.unlink(missing_ok=True)
    command = ["make", "serve", "PORT=0"]
    process = subprocess.Popen(
        command, cwd=project, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stderr
        deadline = time.monotonic() + START_SECONDS
        while "is ready" not in process.stderr.readline():
            assert process.poll() is None
            assert time.monotonic() < deadline
        yield json.loads(file.read_text())["url"]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def test_the_curl_of_its_readme_says_that_the_parcel_comes_late(project: Path, url: str):
    (command,) = re.findall(r"^curl .*$", (project / "README.md").read_text(), re.MULTILINE)
    command = command.replace("http://127.0.0.1:8080", url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    ((answer,),) = json.loads(done.stdout)["predictions"]
    assert 0.9 < answer <= 1


def test_the_curl_of_the_runs_last_lines_is_answered(ran: Done, url: str):
    (command,) = re.findall(r"^  (curl .*)$", ran.stdout, re.MULTILINE)
    command = command.replace("http://127.0.0.1:8080", url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert "predictions" in json.loads(done.stdout)


def test_broken_features_and_a_model_that_learns_nothing_are_found(project: Path):
    module = project / "my_project.py"
    text = module.read_text()
    scale = "tf.where(tf.math.is_nan(scaled), 0.0, tf.clip_by_value(scaled, -FARTHEST, FARTHEST))"
    assert scale in text
    module.write_text(text.replace(scale, "scaled").replace("Adam(learning_rate)", "Adam(0.0)"))
    done = make(project, "test")
    module.write_text(text)
    assert done.returncode != 0
    failed = re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE)
    assert "test_no_value_makes_a_feature_infinite_or_no_number" in failed
    assert "test_a_few_rows_are_learned_by_heart" in failed
    assert "test_numbers_are_deviations_from_the_mean" not in failed
