import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from event_sender import Server, headers
from watched_traffic import fitted, instances, table

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift_watch.watching_process import Process
from kanaria.serving.payload_log.open_store import open_reader

SECONDS = 600
READY = "/v2/health/ready"


@pytest.fixture
def server(tmp_path):
    detector = fitted()
    saved_detector.save(tmp_path / "detector", detector.detector, detector.reference)
    settings = {"service": "flights", "namespace": "models", "window": {"rows": 100}}
    settings |= {"detector": str(tmp_path / "detector"), "labels": {"task": "binary"}}
    broken = settings | {"name": "gone", "detector": str(tmp_path / "absent")}
    (tmp_path / "watch.yaml").write_text(json.dumps([settings, broken]))
    server = Server(str(tmp_path / "events.db"), tmp_path, "--watch", str(tmp_path / "watch.yaml"))
    server.start()
    server.wait()
    yield server
    server.stop()


def send(server, number, moved=0.0):
    """Send a window of a hundred rows, as one request."""
    rows = instances(table(100, seed=number, moved=moved))
    for kind, body in (
        ("request", {"instances": rows}),
        ("response", {"predictions": [0.5] * 100}),
    ):
        head = headers(kind, f"a{number}", f"order-{number}")
        content = json.dumps(body, default=float)
        assert httpx.post(server.url, headers=head, content=content).status_code == 200


def eventually(look):
    deadline = time.monotonic() + SECONDS
    while not (value := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return value


def stored_verdicts(server):
    reader = open_reader(server.store)
    verdicts = reader.verdicts(None, 0.0, 1e12)
    reader.close()
    return verdicts


def child(server):
    """The process identifier of the watching process, 0 while there is none."""
    pid = server.process.pid
    return int((Path(f"/proc/{pid}/task/{pid}/children").read_text().split() or [0])[0])


def has_ended(pid):
    """Also where nobody asks how a process without a parent ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


def told_of(server, name):
    watches = httpx.get(f"{server.url}{READY}").json()["watches"]
    (broken,) = [watch["broken"] for watch in watches if watch["name"] == name]
    return broken


def kanaria(*arguments):
    command = [sys.executable, "-I", "-c", "from kanaria.pipelines.cli import main; main()"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_windows_are_tested_beside_the_server_and_shown_by_it(server, tmp_path):
    assert httpx.get(f"{server.url}/drift").json() == []
    send(server, 1, moved=3.0)
    (newest,) = eventually(lambda: httpx.get(f"{server.url}/drift").json())
    assert (newest["service"], newest["window"]["verdict"]) == ("flights", "drifted")
    metrics = httpx.get(f"{server.url}/metrics").text
    assert "kanaria_drift_watching 1.0" in metrics
    series = 'detector="drift",feature="delay",namespace="models",service="flights",version="1"'
    assert f"kanaria_drift_verdict{{{series}}} 1.0" in metrics
    page = httpx.get(f"{server.url}/report")
    assert (page.headers["content-type"], "What changed" in page.text) == (
        "text/html; charset=utf-8",
        True,
    )
    assert "DRIFTED" in kanaria("drift", "status", "--store", server.store)
    output = tmp_path / "report.html"
    written = kanaria("drift", "report", "--store", server.store, "-o", str(output))
    assert written == f"{output}\n"
    twin = json.loads(output.with_suffix(".json").read_text())
    assert twin["watched"][0]["windows"][0]["verdict"] == "drifted"


def test_a_watch_that_is_broken_is_told_and_the_other_one_goes_on(server):
    send(server, 1)
    assert eventually(lambda: stored_verdicts(server))
    ready = eventually(lambda: told_of(server, "gone") and httpx.get(f"{server.url}{READY}"))
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert told_of(server, "drift") == ""
    labels = 'namespace="models",service="flights"'
    metrics = httpx.get(f"{server.url}/metrics").text
    assert f'kanaria_drift_watch_broken{{detector="gone",{labels}}} 1.0' in metrics
    assert f'kanaria_drift_watch_broken{{detector="drift",{labels}}} 0.0' in metrics


def test_no_watch_works_while_the_process_does_not_run(tmp_path):
    settings = {"service": "flights", "detector": "absent", "window": {"rows": 100}}
    (tmp_path / "watch.yaml").write_text(json.dumps([settings]))

    async def states():
        return Process(str(tmp_path / "events.db"), tmp_path / "watch.yaml").states

    (state,) = asyncio.run(states())
    assert (state.service, "does not run" in state.broken) == ("flights", True)


def test_a_watching_process_that_is_killed_is_started_again_and_counts_nothing_twice(server):
    send(server, 1)
    assert eventually(lambda: stored_verdicts(server))
    before = child(server)
    os.kill(before, signal.SIGKILL)
    send(server, 2)
    verdicts = eventually(lambda: len(stored_verdicts(server)) > 1 and stored_verdicts(server))
    assert [verdict.rows for verdict in verdicts] == [100, 100]
    assert child(server) not in (0, before)
    assert "the watching process ended with -9" in server.log.read_text()


def test_the_watching_process_ends_with_its_server(server):
    pid = eventually(lambda: child(server))
    server.kill()
    assert eventually(lambda: has_ended(pid))
    server.start()
    server.wait()


def test_a_file_that_cannot_be_watched_is_told_at_once(tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path, "--watch", str(tmp_path / "absent.yaml"))
    server.start()
    assert server.process.wait(SECONDS) == 1
    assert "absent.yaml" in server.log.read_text()
