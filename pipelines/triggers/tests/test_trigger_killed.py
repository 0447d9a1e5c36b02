"""A server that is killed at any step neither loses a run nor starts it twice."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_contract import Contract
from trigger_process import PATIENCE, STEPS, running

HEADERS = {"Idempotency-Key": "june"}
BODY = json.dumps({"reason": "labels of june"})


def config(folder: Path, pipeline: Path, runs: str) -> Path:
    path = folder / "triggers.yaml"
    path.write_text(
        f"runs: {runs}\n"
        "triggers:\n"
        "  - {name: announce, when: [{request: true}], cool_down: 0s,\n"
        f"     start: {{pipeline: {pipeline}}}}}\n"
    )
    return path


def survives(path: Path, store: str, step: str) -> list[dict[str, Any]]:
    """Kill a server at a step, send again as senders do, and return what became of it."""
    with running(path, store, step) as server:
        server.post("/triggers/announce", content=BODY, headers=HEADERS)
        assert server.process.wait(PATIENCE) == -signal.SIGKILL
    with running(path, store) as server:
        assert server.post("/triggers/announce", content=BODY, headers=HEADERS) == 200
        return server.settled()


@pytest.mark.parametrize("step", STEPS)
def test_a_run_on_this_machine_begins_once(tmp_path: Path, pipeline: Path, step: str):
    path = config(tmp_path, pipeline, f"{{where: here, root: {tmp_path / 'root'}}}")
    (row,) = survives(path, str(tmp_path / "triggers.sqlite"), step)
    assert row["state"] == "succeeded", row
    (run,) = (tmp_path / "root/runs").iterdir()
    assert run.name == row["run_name"] == row["run_id"]
    record = json.loads((run / "run.json").read_text())
    assert record["arguments"]["trigger"]["name"] == "announce"
    assert record["tasks"][0]["parameters"] == {"Output": "announce: asked for: labels of june"}


@pytest.mark.parametrize("step", STEPS)
def test_a_run_of_a_server_begins_once(
    tmp_path: Path, pipeline: Path, contract: Contract, step: str
):
    path = config(tmp_path, pipeline, f"{{where: kfp, host: '{contract.url}'}}")
    (row,) = survives(path, str(tmp_path / "triggers.sqlite"), step)
    assert row["state"] == "succeeded", row
    (run,) = contract.state.runs.values()
    assert (run["display_name"], run["run_id"]) == (row["run_name"], row["run_id"])
    cause = run["runtime_config"]["parameters"]["trigger"]
    assert cause == {
        "name": "announce",
        "event": "request:announce:june",
        "what": "asked for: labels of june",
    }


def test_what_was_answered_is_not_needed_again(
    tmp_path: Path, new_postgresql: Callable[[], str], pipeline: Path, contract: Contract
):
    path = config(tmp_path, pipeline, f"{{where: kfp, host: '{contract.url}'}}")
    store = new_postgresql()
    with running(path, store, STEPS[3]) as server:
        assert server.post("/triggers/announce", content=BODY, headers=HEADERS) == 200
        assert server.process.wait(PATIENCE) == -signal.SIGKILL
    with running(path, store) as server:
        (row,) = server.settled()
    assert (row["state"], row["deliveries"]) == ("succeeded", 1)
    assert len(contract.state.runs) == 1
