"""A controller's loop on paper, one turn at a time, and what it exposes over HTTP."""

from pathlib import Path

import httpx
from paper_world import NAMESPACE, SERVICE, Paper
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.controller_health import ControllerHealth
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.operations import newest
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.policy.rollout_policy import parse

STEPS = """
steps:
  - {percent: 50, minimum_requests: 100, minimum_minutes: 2}
"""


class Controller:
    """The turns of a controller's loop, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.paper, self.store = 1000.0, Paper(), FileStore(folder)
        self.health = ControllerHealth(now=lambda: self.clock)
        world = World(
            traffic=self.paper, store=self.store, source=self.paper, now=lambda: self.paper.clock
        )
        self.world = self.health.around(world)

    def push(self) -> "Controller":
        self.paper.push("v1")
        self.paper.push("v2")
        self.start(0.0)
        return self

    def start(self, now: float) -> None:
        operations.start(
            self.store,
            self.paper,
            NAMESPACE,
            SERVICE,
            operations.Beginning(policy=parse(STEPS), who="kim", now=now),
        )

    def turn(self, seconds: float = 30) -> None:
        self.clock += seconds
        self.paper.pass_time(seconds)
        for service in self.world.store.services(NAMESPACE):
            reconcile(self.world, newest(self.world.store, NAMESPACE, service), 60)


def samples(url: str) -> list[Sample]:
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return [sample for family in families for sample in family.samples]


def metrics(url: str) -> dict[tuple[str, ...], float]:
    """Return name and the labels' values, in the order of the labels' names -> number."""
    return {(one.name, *one.labels.values()): one.value for one in samples(url)}


def by_label(url: str, name: str, label: str) -> dict[str, float]:
    """Return a label's value -> number, of one metric."""
    return {one.labels[label]: one.value for one in samples(url) if one.name == name}
