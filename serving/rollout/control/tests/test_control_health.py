"""Probes and metrics of a controller, asked over HTTP while it works on rollouts on paper."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from paper_world import NAMESPACE, SERVICE
from probed_controller import Controller, by_label, metrics

from kanaria.components.shared.errors import (
    ConflictError,
    DataError,
    KanariaError,
    NotReadyError,
)
from kanaria.serving.health_port import open_port
from kanaria.serving.rollout.control.controller_health import STUCK_SECONDS
from kanaria.serving.rollout.control.file_store import FOLDER


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


@pytest.fixture
def url(controller: Controller) -> Iterator[str]:
    with open_port(controller.health, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


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
    decisions = by_label(url, "kanaria_rollout_decisions_total", "action")
    assert sum(decisions.values()) == entries
    assert (decisions["shift"], decisions["promote"], decisions["rollback"]) == (1, 1, 0)
    controller.clock += 7
    assert metrics(url)["kanaria_rollout_last_look_age_seconds", NAMESPACE, SERVICE] == 7


def test_a_service_that_is_gone_leaves_no_series(
    controller: Controller, url: str, monkeypatch: pytest.MonkeyPatch
):
    controller.push()
    for _ in range(10):
        controller.turn()
    assert [key for key in metrics(url) if SERVICE in key]
    monkeypatch.setattr(controller.store, "services", lambda namespace: ())
    controller.turn()
    samples = metrics(url)
    assert samples["kanaria_rollouts", "progressing"] == 0
    assert not [key for key in samples if SERVICE in key]
    monkeypatch.undo()
    controller.turn()  # It comes back, as after a restored backup, and counts from zero.
    samples = metrics(url)
    assert samples["kanaria_rollout_decisions_total", "shift", NAMESPACE, SERVICE] == 0


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


@pytest.mark.parametrize(
    ("error", "series"),
    [
        (ConflictError("somebody else"), ("kanaria_rollout_conflicts_total", "traffic")),
        (NotReadyError("503"), ("kanaria_rollout_errors_total", "traffic", "NotReadyError")),
        (RuntimeError("a fault"), ("kanaria_rollout_errors_total", "traffic", "Unforeseen")),
    ],
)
def test_a_conflict_is_no_error_and_what_nobody_foresaw_is_one(
    controller: Controller,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    series: tuple[str, ...],
):
    controller.push()
    assert metrics(url)[series] == 0

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(controller.paper, "observe", refuse)
    with pytest.raises(type(error)):
        controller.turn()
    counted = {key: n for key, n in metrics(url).items() if key[0].endswith("s_total") and n}
    failures = {key: n for key, n in counted.items() if "rollout_decisions" not in key[0]}
    assert {key: n for key, n in failures.items() if key[0].startswith("kanaria")} == {series: 1}


def test_a_lease_that_cannot_be_asked_for_is_counted(controller: Controller, url: str):
    class Lease:
        def hold(self) -> bool:
            raise NotReadyError("kubernetes: no answer")

    lease = controller.health.around_leases(lambda namespace, service: Lease())("a", "b")
    with pytest.raises(NotReadyError):
        lease.hold()
    assert metrics(url)["kanaria_rollout_errors_total", "lease", "NotReadyError"] == 1
