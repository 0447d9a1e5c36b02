"""Messages of a real broker start runs: each at least once taken, none started twice."""

import signal
import time
from pathlib import Path

import pytest
import trigger_toy
from kafka_topics import Topics
from kfp import compiler
from kfp_contract import Contract, serving
from kfp_state import Frame
from trigger_process import PATIENCE, STEPS, running

GROUP = "kanaria-triggers"
NOT_JSON = [("ce_id", b"1"), ("ce_type", b"x")]


@pytest.fixture
def contract(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with serving() as contract:
        contract.state.frames = (Frame("SUCCEEDED"),)
        yield contract


class World:
    """A topic, a group of its own, and the file of a server that reads it."""

    def __init__(self, folder: Path, topics: Topics, contract: Contract) -> None:
        self.topics, self.topic = topics, topics.new(partitions=2)
        self.group = f"{GROUP}-{self.topic}"
        pipeline = folder / "announcing.yaml"
        compiler.Compiler().compile(trigger_toy.announcing, str(pipeline))
        self.config, self.store = folder / "triggers.yaml", str(folder / "triggers.sqlite")
        self.config.write_text(
            f"runs: {{where: kfp, host: '{contract.url}'}}\n"
            f"kafka: {{bootstrap_servers: '{topics.address}', group: {self.group}}}\n"
            "triggers:\n"
            f"  - {{name: announce, when: [{{topic: {self.topic}}}], cool_down: 0s,\n"
            "     runs_a_day: 0, start: {pipeline: announcing.yaml}}\n"
        )

    def offsets(self) -> int:
        """Return how many messages are committed."""
        return sum(max(one, 0) for one in self.topics.committed(self.group, self.topic).values())

    def committed(self, count: int) -> None:
        """Wait until so many messages are committed."""
        end = time.monotonic() + PATIENCE
        while self.offsets() != count:
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.fixture
def world(tmp_path: Path, topics: Topics, contract: Contract) -> World:
    return World(tmp_path, topics, contract)


def test_a_message_starts_a_run_and_then_its_offset_is_committed(world: World, contract: Contract):
    world.topics.send(world.topic, [b"{}"], partition=0)
    with running(world.config, world.store) as server:
        (row,) = server.settled()
        world.committed(1)
    (run,) = contract.state.runs.values()
    assert run["display_name"] == row["run_name"]
    assert row["what"] == f"message 0 of {world.topic}, partition 0, key 0"


@pytest.mark.parametrize("step", [STEPS[0], STEPS[1], STEPS[5], STEPS[6]])
def test_a_server_that_is_killed_loses_no_message_and_starts_no_run_twice(
    world: World, contract: Contract, step: str
):
    world.topics.send(world.topic, [b"a"], partition=1)
    with running(world.config, world.store, step) as server:
        assert server.process.wait(PATIENCE) == -signal.SIGKILL
    assert world.offsets() == 0
    with running(world.config, world.store) as server:
        (row,) = server.settled()
        world.committed(1)
    assert row["state"] == "succeeded"
    assert len(contract.state.runs) == 1


def test_a_message_that_cannot_be_read_is_kept_and_holds_up_none(world: World, contract: Contract):
    world.topics.send(world.topic, [b"\xff"], headers=NOT_JSON, partition=0)
    world.topics.send(world.topic, [b"good"], partition=0)
    with running(world.config, world.store) as server:
        bad, good = server.settled(2)
        world.committed(2)
    assert (bad["state"], bad["reason"]) == ("refused", "malformed")
    assert "ce-source is missing" in bad["why"]
    assert good["state"] == "succeeded"
    assert len(contract.state.runs) == 1


def test_no_offset_is_committed_while_no_run_can_begin(world: World, contract: Contract):
    contract.break_next("/runs", 503, times=1000)
    world.topics.send(world.topic, [b"a"], partition=0)
    with running(world.config, world.store) as server:
        server.said("tried again in")
        (row,) = server.listed()
        assert row["state"] in ("accepted", "starting")
        assert "503" in row["why"]
        assert world.offsets() == 0
        contract.broken.clear()
        (row,) = server.settled()
        world.committed(1)
    assert row["state"] == "succeeded"
