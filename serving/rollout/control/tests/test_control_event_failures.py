"""Events that cannot be written: the rollout goes on, and the reason is told once."""

import logging
import socket
from pathlib import Path

import pytest
from kubernetes import client
from paper_world import NAMESPACE, SERVICE, Paper

from kanaria.serving.file_lease import FileLease
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.controller import Pace, run
from kanaria.serving.rollout.control.event_outcome import EventOutcome
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.kubernetes_events import EventListener
from kanaria.serving.rollout.control.operations import newest
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy.rollout_policy import parse

STEPS = "steps:\n  - {percent: 50, minimum_requests: 100, minimum_minutes: 2}\n"


class Minutes(Paper):
    """A minute passes at each look."""

    def observe(self, namespace: str, name: str):
        self.pass_time(60)
        return super().observe(namespace, name)


def unreachable() -> KubernetesClient:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = client.Configuration(host=f"http://127.0.0.1:{port}")
    settings.retries = False
    return KubernetesClient(client.ApiClient(settings))


def test_a_rollout_ends_as_it_would_and_the_failure_is_counted_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    paper, store, outcomes = Minutes(), FileStore(tmp_path), []
    paper.push("v1")
    paper.push("v2")
    beginning = operations.Beginning(policy=parse(STEPS), who="kim", now=0.0)
    operations.start(store, paper, NAMESPACE, SERVICE, beginning)
    world = World(traffic=paper, store=store, source=paper, now=lambda: paper.clock)
    with caplog.at_level(logging.WARNING):
        stored = run(
            world,
            newest(store, NAMESPACE, SERVICE),
            lease=FileLease(tmp_path / "lock"),
            listener=EventListener(unreachable(), outcomes.append),
            pace=Pace(interval_seconds=0),
        )
    assert stored.rollout.state.phase is Phase.PROMOTED
    assert set(outcomes) == {EventOutcome.FAILED}
    assert len(outcomes) >= 3
    (record,) = caplog.records
    assert record.message.startswith(f"{NAMESPACE}/{SERVICE} rollout 1: no Event: kubernetes: ")
