"""Every server ends as a user ends it: Ctrl-C goes to all of its processes, SIGTERM to one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KANARIA = str(Path(sys.executable).with_name("kanaria"))
MODULE = (sys.executable, "-I", "-m")
SECONDS = 120
"""For a server to say its line, on a busy machine too."""
WATCH = "- {service: tips, detector: 'd/{version}', window: {rows: 500, minutes: 60}}\n"
SERVERS = {
    "kanaria serve": ((KANARIA, "serve", "--port", "0"), "nothing to serve yet"),
    "local serving": (
        (*MODULE, "kanaria.serving.local", "--state", "s", "--port", "0"),
        "nothing to serve yet",
    ),
    "kanaria drift serve": (
        (KANARIA, "drift", "serve", "--port", "0", "--watch", "watch.yaml"),
        "watching default/tips (drift) with d/{version}, windows of 500 rows or 60 minutes",
    ),
    "drift server": (
        (*MODULE, "kanaria.serving.drift_server", "--store", "e.sqlite", "--port", "0"),
        "watching nothing",
    ),
    "rollout controller": (
        (*MODULE, "kanaria.serving.rollout", "--state", "s"),
        "working on the rollouts of namespace default",
    ),
}


@contextmanager
def begun(
    command: tuple[str, ...], line: str, folder: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a server that has said `line`, and all that it said until then."""
    process = subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr
    output = ""
    # A server that never says it is ended, so that its output ends and the test tells what it said.
    ending = threading.Timer(SECONDS, os.killpg, [process.pid, signal.SIGKILL])
    ending.start()
    try:
        for said in iter(process.stderr.readline, ""):
            output += said
            if line in said:
                break
        assert line in output
        ending.cancel()
        yield process, output
    finally:
        ending.cancel()
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("kanaria serve", signal.SIGINT),
        ("local serving", signal.SIGTERM),
        ("kanaria drift serve", signal.SIGINT),
        ("drift server", signal.SIGTERM),
        ("rollout controller", signal.SIGINT),
        ("rollout controller", signal.SIGTERM),
    ],
)
def test_a_server_ends_with_one_line_and_the_code_of_the_signal(
    name: str, number: signal.Signals, tmp_path: Path
):
    (tmp_path / "watch.yaml").write_text(WATCH)
    command, line = SERVERS[name]
    with begun(command, line, tmp_path) as (process, _):
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, rest = process.communicate()
    said = "Ctrl-C" if number is signal.SIGINT else "SIGTERM"
    assert (process.returncode, rest) == (128 + number, f"stopped by {said}\n")


def test_a_drift_server_says_where_it_listens_and_where_events_are_kept(tmp_path: Path):
    command, line = SERVERS["drift server"]
    with begun(command, line, tmp_path) as (_, output):
        first = output.splitlines()[0]
    assert "listening on http://127.0.0.1:" in first
    assert first.endswith("kept in e.sqlite")


def test_a_port_that_is_taken_is_one_line(tmp_path: Path):
    command, line = SERVERS["drift server"]
    with begun(command, line, tmp_path) as (_, output):
        port = output.split("http://127.0.0.1:")[1].split(",")[0]
        for words in (["serve"], ["drift", "serve"]):
            done = subprocess.run(
                [KANARIA, *words, "--port", port], cwd=tmp_path, capture_output=True, text=True
            )
            assert done.returncode == 1
            assert done.stderr == (
                f"error: port {port} of 127.0.0.1: Address already in use; "
                "choose another by --port\n"
            )
