"""Delivery against KServe's semantics in memory, stopped at every point."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanaria.components.push.deliver_release import Gate, deliver
from kanaria.components.shared.errors import (
    ConflictError,
    DataError,
    KanariaError,
    NotReadyError,
)
from kanaria.components.shared.storage import uri_files
from kanaria.serving.checks.check_result import Result, judged
from kanaria.serving.inference_service.service_spec import Scaling, ServiceSpec
from kanaria.serving.local.controller import reconcile
from kanaria.serving.local.state.state_folder import Observed
from kanaria.serving.traffic.local_traffic import status_of
from kanaria.serving.traffic.traffic_protocol import Manifest, ServiceStatus


class Killed(BaseException):
    """The process ends here."""


class Memory:
    """A Traffic whose server is two pure functions; its process can be ended at the n-th call."""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] | None = None
        self.observed = Observed()
        self.loads = True
        self.failure = ""
        self.calls: list[str] = []
        self.die_at = 0
        self.die_before = True

    def _call(self, name: str, manifest: dict[str, Any] | None) -> None:
        self.calls.append(name)
        dies = len(self.calls) == self.die_at
        if dies and self.die_before:
            raise Killed
        if manifest is not None:
            self.manifest = manifest
            self.observed = reconcile.adopt(self.observed, manifest, json.dumps(manifest))
        if dies:
            raise Killed

    def stage(self, manifest: Manifest) -> None:
        staged = deepcopy(dict(manifest))
        assert staged["spec"]["predictor"]["canaryTrafficPercent"] == 0
        self._call("stage", staged)

    def observe(self, _namespace: str, _name: str) -> ServiceStatus | None:
        self._call("observe", None)
        if self.manifest is None:
            return None
        newest = self.observed.revisions[-1].name
        if self.failure:
            self.observed = reconcile.mark_failed(self.observed, newest, self.failure)
        elif self.loads:
            self.observed = reconcile.mark_ready(self.observed, newest)
        status = reconcile.status(self.observed, "")
        observed = Observed(revisions=self.observed.revisions, status=status)
        return status_of(self.manifest, observed, "http://here")

    def shift(self, _namespace: str, _name: str, percent: int, _revision: str = "") -> None:
        shifted = deepcopy(self.manifest)
        assert shifted
        shifted["spec"]["predictor"]["canaryTrafficPercent"] = percent
        self._call("shift", shifted)

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        self.shift(namespace, name, 100, revision)

    def rollback(self, namespace: str, name: str) -> None:
        self.shift(namespace, name, 0)

    def shares(self) -> dict[str, int]:
        status = self.observe("default", "tips")
        assert status
        return {status.revision_uris[t.revision]: t.percent for t in status.traffic}


def spec(model: str, percent: int = 10) -> ServiceSpec:
    return ServiceSpec(name="tips", storage_uri=f"/models/{model}/model", canary_percent=percent)


OLD, NEW, NEWER = spec("old"), spec("new"), spec("newer")


@pytest.fixture
def pending(tmp_path: Path) -> str:
    return str(tmp_path / "release.pending")


@pytest.fixture
def memory(pending: str) -> Memory:
    """A service whose stable revision serves OLD."""
    memory = Memory()
    deliver(memory, OLD, 1, pending)
    memory.calls.clear()
    return memory


@pytest.mark.parametrize("percent", [0, 10, 100])
def test_the_first_deployment_gets_all_traffic(pending: str, percent: int):
    memory = Memory()
    assert deliver(memory, spec("old", percent), 1, pending).percent == 100
    assert memory.shares() == {OLD.storage_uri: 100}


@pytest.mark.parametrize("percent", [0, 10, 99])
def test_the_next_one_gets_the_share_asked_for(memory: Memory, pending: str, percent: int):
    delivered = deliver(memory, spec("new", percent), 1, pending)
    assert delivered.percent == percent
    assert delivered.reason == f"tips-predictor-00002 is ready and gets {percent} %"
    wanted = {OLD.storage_uri: 100 - percent, NEW.storage_uri: percent}
    assert memory.shares() == {uri: share for uri, share in wanted.items() if share or percent == 0}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("point", range(1, 6))
def test_a_push_killed_at_any_point_converges_when_run_again(
    memory: Memory, pending: str, point: int, before: bool
):
    memory.die_at, memory.die_before = point, before
    try:
        deliver(memory, NEW, 1, pending)
    except Killed:
        memory.calls.clear()
        memory.die_at = 0
        deliver(memory, NEW, 1, pending)
    memory.die_at = 0
    assert memory.shares() == {OLD.storage_uri: 90, NEW.storage_uri: 10}
    assert len(memory.observed.revisions) == 2
    assert not uri_files.exists(pending)


def test_a_canary_that_was_rolled_back_is_not_raised_again(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending)
    memory.rollback("default", "tips")
    delivered = deliver(memory, NEW, 1, pending)
    assert delivered.reason == "already served; nothing was changed"
    assert delivered.percent == 0
    assert memory.shares()[OLD.storage_uri] == 100


@pytest.mark.parametrize("percent", [0, 50, 100])
def test_the_same_model_again_changes_nothing(memory: Memory, pending: str, percent: int):
    deliver(memory, NEW, 1, pending)
    memory.shift("default", "tips", percent)  # As a rollout does meanwhile.
    memory.calls.clear()
    assert deliver(memory, NEW, 1, pending).percent == percent
    assert memory.calls == ["observe"]


def test_the_stable_model_again_leaves_its_canary_alone(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending)
    memory.calls.clear()
    assert deliver(memory, OLD, 1, pending).percent == 90
    assert memory.calls == ["observe"]


def test_an_interrupted_push_of_the_stable_model_leaves_its_canary_alone(
    memory: Memory, pending: str
):
    deliver(memory, NEW, 1, pending)
    uri_files.write_text(pending, "killed after its share was given")
    deliver(memory, OLD, 1, pending)
    assert memory.shares() == {OLD.storage_uri: 90, NEW.storage_uri: 10}
    assert not uri_files.exists(pending)


def test_a_promoted_model_is_followed_by_the_next_canary(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending)
    memory.promote("default", "tips")
    deliver(memory, NEWER, 1, pending)
    assert memory.shares() == {NEW.storage_uri: 90, NEWER.storage_uri: 10}


def test_a_model_that_is_never_ready_gets_nothing(memory: Memory, pending: str):
    memory.loads = False
    with pytest.raises(NotReadyError, match="no ready revision of /models/new/model after 0 s"):
        deliver(memory, NEW, 0, pending)
    assert memory.shares() == {OLD.storage_uri: 100}


def test_a_model_with_too_few_copies_gets_nothing(memory: Memory, pending: str):
    class Slow(Memory):
        def observe(self, namespace: str, name: str) -> ServiceStatus | None:
            status = super().observe(namespace, name)
            return status and replace(status, ready_copies=dict.fromkeys(status.revision_uris, 1))

    memory.__class__ = Slow
    two = replace(NEW, scaling=Scaling(min_replicas=2, max_replicas=2))
    with pytest.raises(NotReadyError, match="-00002 has 1 of 2 copies ready; look at its log"):
        deliver(memory, two, 0, pending)
    assert memory.shares()[OLD.storage_uri] == 100


def test_a_model_that_does_not_load_names_its_cause(memory: Memory, pending: str):
    memory.failure = "no saved_model.pb"
    with pytest.raises(DataError, match=r"-00002 does not load .*ModelLoadFailed: no saved_model"):
        deliver(memory, NEW, 1, pending)
    assert memory.shares() == {OLD.storage_uri: 100}


def test_a_retried_push_of_a_model_that_does_not_load_writes_nothing(memory: Memory, pending: str):
    memory.failure = "no saved_model.pb"
    with pytest.raises(DataError):
        deliver(memory, NEW, 1, pending)
    memory.calls.clear()
    other_run = replace(NEW, annotations={"kanaria.io/run-id": "another"})
    with pytest.raises(DataError, match="does not load"):
        deliver(memory, other_run, 1, pending)
    assert set(memory.calls) == {"observe"}


def test_lineage_is_that_of_the_push_that_brought_the_model(memory: Memory, pending: str):
    for run in ("first", "second"):
        marks = {"kanaria.io/run-id": run}
        deliver(memory, replace(NEW, annotations=marks, labels=marks), 1, pending)
    assert memory.manifest
    assert memory.manifest["metadata"]["annotations"] == {"kanaria.io/run-id": "first"}
    assert len(memory.observed.revisions) == 2


@pytest.mark.parametrize(
    "passing",
    [ConflictError("the object has been modified"), NotReadyError("-00002 is not ready")],
    ids=["the service has changed", "the revision is unready once more"],
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_share_is_written_again_after_what_passes(
    memory: Memory, pending: str, passing: KanariaError, times: int
):
    class Busy(Memory):
        left = times

        def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
            self.left -= 1
            if self.left >= 0:
                raise passing
            super().shift(namespace, name, percent, revision)

    memory.__class__ = Busy
    assert deliver(memory, NEW, 5, pending).percent == 10
    assert memory.shares() == {OLD.storage_uri: 90, NEW.storage_uri: 10}


def test_a_service_that_never_stops_changing_ends_in_one_error(memory: Memory, pending: str):
    def conflict(*_: object) -> None:
        raise ConflictError("the object has been modified")

    memory.shift = conflict  # type: ignore[method-assign]
    with pytest.raises(NotReadyError, match="-00002 did not get 10 % in 0 s: the object has"):
        deliver(memory, NEW, 0, pending)


def test_a_push_never_shifts_the_canary_of_another(memory: Memory, pending: str):
    def overtaken(*_: object) -> None:
        memory.shift = shift  # type: ignore[method-assign]
        deliver(memory, NEWER, 1, f"{pending}-of-another")
        raise ConflictError("the object has been modified")

    shift, memory.shift = memory.shift, overtaken  # type: ignore[method-assign]
    with pytest.raises(
        NotReadyError, match="another push replaced /models/new/model by /models/newer"
    ):
        deliver(memory, spec("new", 50), 5, pending)
    assert memory.shares() == {OLD.storage_uri: 90, NEWER.storage_uri: 10}


def refuse() -> None:
    raise NotReadyError("a rollout is active")


def test_what_comes_first_can_refuse_and_leaves_everything_as_it_was(memory: Memory, pending: str):
    with pytest.raises(NotReadyError, match="a rollout is active"):
        deliver(memory, NEW, 1, pending, prepare=refuse)
    assert memory.calls == ["observe"]
    assert not uri_files.exists(pending)


def test_a_model_that_is_served_already_is_not_refused(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending)
    deliver(memory, NEW, 1, pending, prepare=refuse)
    assert memory.shares() == {OLD.storage_uri: 90, NEW.storage_uri: 10}


def test_an_interrupted_push_is_refused_before_it_goes_on(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending)
    memory.rollback("default", "tips")
    uri_files.write_text(pending, "killed after it was staged")
    with pytest.raises(NotReadyError, match="a rollout is active"):
        deliver(memory, NEW, 1, pending, prepare=refuse)
    assert memory.shares()[OLD.storage_uri] == 100


def test_a_canary_that_somebody_promotes_meanwhile_is_not_shifted(memory: Memory, pending: str):
    def promoted(*_: object) -> None:
        memory.shift = shift  # type: ignore[method-assign]
        memory.promote("default", "tips")
        raise NotReadyError("nothing is on trial")

    shift, memory.shift = memory.shift, promoted  # type: ignore[method-assign]
    assert deliver(memory, NEW, 1, pending).percent == 100
    assert memory.shares() == {NEW.storage_uri: 100}


@pytest.mark.usefixtures("memory")
def test_a_push_that_was_replaced_by_another_says_so(pending: str):
    class Overtaken(Memory):
        def stage(self, manifest: Manifest) -> None:
            super().stage(manifest)
            other = deepcopy(dict(manifest))
            other["spec"]["predictor"]["model"]["storageUri"] = NEWER.storage_uri
            super().stage(other)

    with pytest.raises(NotReadyError, match="another push replaced /models/new/model"):
        deliver(Overtaken(), NEW, 1, pending)


class Judge:
    """A gate whose verdicts are set by a test; it notes the shares it was asked at."""

    def __init__(self, memory: Memory, before: str = "", live: str = "") -> None:
        self.memory, self.faults = memory, {"before": before, "live": live}
        self.looked_at: list[tuple[str, dict[str, int]]] = []

    def _judged(self, when: str) -> tuple[Result, ...]:
        calls = list(self.memory.calls)
        self.looked_at.append((when, self.memory.shares() if self.memory.manifest else {}))
        self.memory.calls = calls
        return (judged(when, [self.faults[when]] if self.faults[when] else []),)

    def before(self, _service: ServiceSpec) -> tuple[Result, ...]:
        return self._judged("before")

    def at_zero(self, _service: ServiceSpec, url: str, _stable: object) -> tuple[Result, ...]:
        assert url.startswith("http://here/revisions/default/tips-predictor-")
        return self._judged("live")


def test_a_revision_is_checked_before_it_is_made_and_again_at_zero(memory: Memory, pending: str):
    judge = Judge(memory)
    delivered = deliver(memory, NEW, 1, pending, judge)
    stable = {OLD.storage_uri: 100}
    assert judge.looked_at == [("before", stable), ("live", {**stable, NEW.storage_uri: 0})]
    assert [result.check for result in delivered.checks] == ["before", "live"]
    assert delivered.percent == 10


def test_what_the_cluster_cannot_run_is_not_staged(memory: Memory, pending: str):
    delivered = deliver(memory, NEW, 1, pending, Judge(memory, before="no runtime"))
    assert not delivered.pushed
    assert delivered.reason == "not pushed: before: no runtime"
    assert delivered.revision == ""
    assert "stage" not in memory.calls


def test_a_revision_that_fails_stays_at_zero_and_the_stable_one_is_left_alone(
    memory: Memory, pending: str
):
    delivered = deliver(memory, NEW, 1, pending, Judge(memory, live="other answers"))
    assert not delivered.pushed
    assert delivered.reason == "not pushed: live: other answers"
    assert (delivered.revision, delivered.percent) == ("tips-predictor-00002", 0)
    assert "shift" not in memory.calls
    assert memory.shares() == {OLD.storage_uri: 100, NEW.storage_uri: 0}


def test_a_push_that_failed_is_checked_again(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending, Judge(memory, live="slow today"))
    again = Judge(memory, live="slow again")
    assert not deliver(memory, NEW, 1, pending, again).pushed
    assert [when for when, _ in again.looked_at] == ["live"]
    assert deliver(memory, NEW, 1, pending, Judge(memory)).percent == 10
    assert memory.shares() == {OLD.storage_uri: 90, NEW.storage_uri: 10}


def test_the_first_revision_that_fails_has_its_traffic_and_that_is_said(pending: str):
    memory = Memory()
    first = deliver(memory, OLD, 1, pending, Judge(memory, live="other answers"))
    assert not first.pushed
    assert first.reason.endswith("tips-predictor-00001 has 100 %: there is no other to route to")


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("point", range(1, 6))
def test_a_push_killed_at_any_point_gives_no_share_to_what_fails(
    memory: Memory, pending: str, point: int, before: bool
):
    judge: Gate = Judge(memory, live="other answers")
    memory.die_at, memory.die_before = point, before
    try:
        deliver(memory, NEW, 1, pending, judge)
    except Killed:
        memory.calls.clear()
        memory.die_at = 0
        assert not deliver(memory, NEW, 1, pending, judge).pushed
    memory.die_at = 0
    assert memory.shares() == {OLD.storage_uri: 100, NEW.storage_uri: 0}


def test_a_push_killed_after_its_share_was_given_is_not_judged_twice(memory: Memory, pending: str):
    deliver(memory, NEW, 1, pending, Judge(memory))
    uri_files.write_text(pending, "killed before it ended")
    judge = Judge(memory, live="slow today")
    assert deliver(memory, NEW, 1, pending, judge).percent == 10
    assert judge.looked_at == []
