"""Probes and metrics of a controller, asked over HTTP while it works on rollouts on paper."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from paper_world import NAMESPACE, SERVICE, Paper
from prometheus_client.parser import text_string_to_metric_families

from kanaria.components.shared.errors import DataError, KanariaError
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.attend import World, attend
from kanaria.serving.rollout.control.controller_health import STUCK_SECONDS, ControllerHealth
from kanaria.serving.rollout.control.file_store import FOLDER, FileStore
from kanaria.serving.rollout.control.health_port import open_port
from kanaria.serving.rollout.control.operations import newest
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
        operations.start(
            self.store,
            self.paper,
            NAMESPACE,
            SERVICE,
            operations.Beginning(policy=parse(STEPS), who="kim", now=0.0),
        )
        return self

    def turn(self, seconds: float = 30) -> None:
        self.clock += seconds
        self.paper.pass_time(seconds)
        for service in self.world.store.services(NAMESPACE):
            attend(self.world, newest(self.world.store, NAMESPACE, service), 60)


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


@pytest.fixture
def url(controller: Controller) -> Iterator[str]:
    with open_port(controller.health, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def metrics(url: str) -> dict[tuple[str, ...], float]:
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_it_is_ready_once_it_has_seen_its_rollouts(controller: Controller, url: str):
    assert httpx.get(f"{url}/readyz").status_code == 503
    assert httpx.get(f"{url}/healthz").text == "ok\n"
    controller.turn()
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert httpx.get(f"{url}/nothing").status_code == 404


def test_a_platform_that_does_not_answer_makes_it_unready_but_not_stuck(
    controller: Controller, url: str, monkeypatch: pytest.MonkeyPatch
):
    controller.push().turn()

    def away(namespace: str) -> None:
        raise DataError("kubernetes: no answer")

    with monkeypatch.context() as patch:
        patch.setattr(controller.store, "services", away)
        with pytest.raises(DataError):
            controller.turn(STUCK_SECONDS + 1)
    answer = httpx.get(f"{url}/readyz")
    assert (answer.status_code, answer.text) == (503, "kubernetes: no answer\n")
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert metrics(url)["kanaria_rollout_errors_total", "store", "DataError"] == 1
    controller.turn()
    assert httpx.get(f"{url}/readyz").status_code == 200


def test_a_loop_that_stands_still_is_not_alive(controller: Controller, url: str):
    controller.push().turn()
    controller.clock += STUCK_SECONDS + 1
    answer = httpx.get(f"{url}/healthz")
    assert (answer.status_code, answer.text) == (503, "no turn of the loop for 601 s\n")


def test_a_service_that_is_never_looked_at_again_is_noticed(controller: Controller, url: str):
    controller.push().turn()
    controller.clock += STUCK_SECONDS + 1
    controller.world.store.services(NAMESPACE)  # The loop goes on; the look has never ended.
    answer = httpx.get(f"{url}/healthz")
    assert (answer.status_code, answer.text) == (503, f"no look at {NAMESPACE}/{SERVICE}\n")


def test_a_rollout_that_cannot_be_read_does_not_end_the_controller(
    controller: Controller, url: str, tmp_path: Path
):
    controller.push().turn()
    (tmp_path / NAMESPACE / SERVICE / FOLDER / "1.json").write_text("{")
    for _ in range(3):
        with pytest.raises(DataError):
            controller.turn(STUCK_SECONDS / 2 + 1)
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert metrics(url)["kanaria_rollout_errors_total", "store", "DataError"] == 3


def test_phases_decisions_and_ages_are_counted(controller: Controller, url: str):
    controller.push()
    for _ in range(60):
        controller.turn()
    samples = metrics(url)
    assert samples["kanaria_rollouts", "promoted"] == 1
    assert samples["kanaria_rollouts", "progressing"] == 0
    assert samples["kanaria_rollout_last_look_age_seconds", NAMESPACE, SERVICE] == 0
    entries = controller.store.load(NAMESPACE, SERVICE).rollout.entries
    decisions = {key[1]: n for key, n in samples.items() if key[0].endswith("decisions_total")}
    assert sum(decisions.values()) == entries
    assert (decisions["shift"], decisions["promote"], decisions["rollback"]) == (1, 1, 0)
    controller.clock += 7
    assert metrics(url)["kanaria_rollout_last_look_age_seconds", NAMESPACE, SERVICE] == 7


def test_a_service_that_is_gone_is_not_counted_any_more(
    controller: Controller, url: str, monkeypatch: pytest.MonkeyPatch
):
    controller.push().turn()
    monkeypatch.setattr(controller.store, "services", lambda namespace: ())
    controller.turn()
    samples = metrics(url)
    assert samples["kanaria_rollouts", "progressing"] == 0
    assert not [key for key in samples if key[0] == "kanaria_rollout_last_look_age_seconds"]


def test_errors_are_counted_by_the_part_that_failed(
    controller: Controller, url: str, monkeypatch: pytest.MonkeyPatch
):
    controller.push()

    def slow(revisions: object) -> None:
        raise KanariaError("Prometheus: timed out")

    monkeypatch.setattr(controller.paper, "read", slow)
    with pytest.raises(KanariaError):
        controller.turn()
    assert metrics(url)["kanaria_rollout_errors_total", "source", "KanariaError"] == 1
