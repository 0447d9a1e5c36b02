"""What every way of delivery must do.

A way makes a subclass of TrafficContract in a test file of its own, with a fixture `way`.
"""

import re
import time
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from kanaria.components.shared.errors import ConflictError, NotReadyError, ParameterError
from kanaria.serving.traffic.traffic_protocol import Traffic

TIMEOUT_SECONDS = 600


class Way(Protocol):
    """A Traffic, and the models `one`, `two`, `plain` and `broken` (it does not load)."""

    traffic: Traffic
    namespace: str
    loading_failure: str

    def manifest(self, name: str, model: str) -> dict[str, Any]:
        """Return the manifest of service `name` with a model."""
        ...


@dataclass
class Rollout:
    """One service of a test: it stages models and waits for what should come of it."""

    way: Way
    name: str

    @property
    def where(self):
        return self.way.namespace, self.name

    def stage(self, model):
        manifest = self.way.manifest(self.name, model)
        self.way.traffic.stage(manifest)
        return manifest["spec"]["predictor"]["model"]["storageUri"]

    def status(self):
        return self.way.traffic.observe(*self.where)

    def until(self, holds):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not holds(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def deploy(self, model):
        uri = self.stage(model)
        return self.until(lambda status: status.revision_uris.get(status.latest_ready) == uri)

    def shares(self):
        status = self.status()
        models = {name: uri.rsplit("/", 1)[1] for name, uri in status.revision_uris.items()}
        # A revision that was removed a moment ago may still be in a route.
        return {
            models.get(share.revision, share.revision): share.percent
            for share in status.traffic
            if share.percent
        }

    def until_shares(self, **wanted):
        self.until(lambda _: self.shares() == wanted)


class Contract:
    """What the contracts share; subclasses give the fixture `way`."""

    @pytest.fixture
    def rollout(self, way, request):
        name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_")).strip("-")
        return Rollout(way, name[-30:].lstrip("-0123456789"))


class MirrorContract(Contract):
    """The tests of ways that can copy requests."""

    def test_copies_go_to_a_ready_revision_that_answers_nobody(self, rollout):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        with pytest.raises(NotReadyError, match="answers 100 % of the requests"):
            traffic.mirror(*rollout.where, 50)
        rollout.stage("broken")
        with pytest.raises(NotReadyError, match="is not ready"):
            traffic.mirror(*rollout.where, 50)
        assert rollout.status().mirrored_percent == 0
        rollout.deploy("two")
        for percent in (50, 100, 0):
            traffic.mirror(*rollout.where, percent)
            status = rollout.status()
            assert (status.mirrored_percent, status.canary_percent) == (percent, 0)
        traffic.shift(*rollout.where, 10)
        with pytest.raises(NotReadyError, match="answers 10 % of the requests"):
            traffic.mirror(*rollout.where, 50)

    @pytest.mark.parametrize("verb", ["shift", "promote", "rollback", "stage"])
    def test_whatever_changes_the_shares_ends_the_copying(self, rollout, verb):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        rollout.deploy("two")
        traffic.mirror(*rollout.where, 100)
        match verb:
            case "shift":
                traffic.shift(*rollout.where, 10)
            case "promote":
                traffic.promote(*rollout.where)
            case "rollback":
                traffic.rollback(*rollout.where)
            case "stage":
                rollout.deploy("plain")
        assert rollout.status().mirrored_percent == 0

    def test_copying_makes_no_revision(self, rollout):
        rollout.deploy("one")
        before = rollout.deploy("two")
        rollout.way.traffic.mirror(*rollout.where, 100)
        time.sleep(0.5)
        assert rollout.status().latest_created == before.latest_created

    @pytest.mark.parametrize("percent", [-1, 101])
    def test_only_percentages_are_copied(self, rollout, percent):
        rollout.deploy("one")
        with pytest.raises(ParameterError, match=f"percent={percent}: use 0 to 100"):
            rollout.way.traffic.mirror(*rollout.where, percent)

    def test_an_unknown_service_has_nothing_to_copy(self, way):
        with pytest.raises(ParameterError, match="stage a manifest first"):
            way.traffic.mirror(way.namespace, "nobody", 100)


class NoMirrorContract(Contract):
    """The tests of ways that can copy nothing."""

    def test_copying_is_refused_and_the_way_round_is_named(self, rollout):
        rollout.deploy("one")
        rollout.deploy("two")
        with pytest.raises(ParameterError, match="replay the payload log"):
            rollout.way.traffic.mirror(*rollout.where, 100)
        assert not rollout.status().mirrored_percent


class TrafficContract(Contract):
    """The tests of all ways."""

    def test_an_unknown_service_has_no_status(self, way):
        assert way.traffic.observe(way.namespace, "nobody") is None

    def test_first_revision_gets_all_traffic_once_it_is_ready(self, rollout):
        status = rollout.deploy("one")
        rollout.until_shares(one=100)
        assert status.latest_created == status.latest_ready
        assert rollout.status().rolled_out == status.latest_ready

    def test_staged_revision_gets_nothing(self, rollout):
        rollout.deploy("one")
        rollout.until_shares(one=100)
        stable = rollout.status().latest_ready
        status = rollout.deploy("two")
        assert "two" not in rollout.shares()
        rollout.until_shares(one=100)
        assert status.rolled_out == stable != status.latest_ready
        assert status.canary_percent == 0

    def test_each_revision_has_a_url_of_its_own_at_any_share(self, rollout):
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.deploy("two")
        status = rollout.until(lambda status: len(status.revision_urls) == 2)
        assert status.revision_urls.keys() == status.revision_uris.keys()
        assert len({*status.revision_urls.values(), status.url}) == 3
        for revision, url in status.revision_urls.items():
            assert url.startswith("http://")
            assert revision in url

    def test_canary_is_shifted_promoted_and_rolled_back(self, rollout):
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.deploy("two")
        rollout.way.traffic.shift(*rollout.where, 25)
        rollout.until_shares(two=25, one=75)
        rollout.way.traffic.rollback(*rollout.where)
        rollout.until_shares(one=100)
        # What was rolled back is tried again by staging it again, whether or not it was kept.
        rollout.deploy("two")
        rollout.way.traffic.promote(*rollout.where)
        rollout.until_shares(two=100)
        promoted = rollout.until(lambda status: status.rolled_out == status.latest_ready)
        assert promoted.previous_rolled_out != ""
        rollout.way.traffic.rollback(*rollout.where)
        rollout.until_shares(one=100)
        rollout.way.traffic.rollback(*rollout.where)
        rollout.until_shares(one=100)

    def test_a_share_decided_for_a_revision_is_not_given_to_a_later_one(self, rollout):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        rollout.until_shares(one=100)
        earlier = rollout.deploy("two").latest_created
        later = rollout.deploy("plain").latest_created
        with pytest.raises(ConflictError, match=f"is later than {earlier}; nothing shifted"):
            traffic.shift(*rollout.where, 10, earlier)
        with pytest.raises(ConflictError, match=f"is later than {earlier}; nothing shifted"):
            traffic.promote(*rollout.where, earlier)
        assert rollout.status().canary_percent == 0
        traffic.shift(*rollout.where, 10, later)
        rollout.until_shares(plain=10, one=90)

    def test_a_rollback_to_a_revision_gives_no_other_one_the_requests(self, rollout):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        rollout.until_shares(one=100)
        first = rollout.status().rolled_out
        second = rollout.deploy("two").latest_created
        with pytest.raises(ConflictError, match=f"{first}, not {second}; nothing rolled back"):
            traffic.rollback(*rollout.where, second)
        traffic.promote(*rollout.where)
        rollout.until_shares(two=100)
        rollout.until(lambda status: status.rolled_out == second)
        rollout.deploy("plain")
        # It was promoted in between: whoever would go back to the first one is too late.
        with pytest.raises(ConflictError, match=f"{second}, not {first}; nothing rolled back"):
            traffic.rollback(*rollout.where, first)
        rollout.until_shares(two=100)
        traffic.shift(*rollout.where, 20)
        traffic.rollback(*rollout.where, second)
        rollout.until_shares(two=100)

    def test_model_that_does_not_load_leaves_the_stable_one_alone(self, rollout):
        rollout.deploy("one")
        rollout.until_shares(one=100)
        stable = rollout.status().latest_ready
        rollout.stage("broken")
        rollout.until(lambda status: status.transition == "BlockedByFailedLoad")
        rollout.until_shares(one=100)
        status = rollout.status()
        assert status.latest_ready == status.rolled_out == stable != status.latest_created
        assert status.failure.reason == "ModelLoadFailed"
        assert rollout.way.loading_failure in status.failure.message
        rollout.deploy("two")
        rollout.until(lambda status: status.failure is None)
        rollout.until_shares(one=100)

    def test_a_revision_that_is_not_ready_gets_no_more_and_may_get_less(self, rollout):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.stage("broken")
        rollout.until(lambda status: status.transition == "BlockedByFailedLoad")
        with pytest.raises(NotReadyError, match="is not ready; nothing shifted"):
            traffic.shift(*rollout.where, 10)
        with pytest.raises(NotReadyError, match="is not ready; nothing shifted"):
            traffic.promote(*rollout.where)
        assert rollout.status().canary_percent == 0
        traffic.shift(*rollout.where, 0)
        traffic.rollback(*rollout.where)
        rollout.until_shares(one=100)

    def test_with_one_revision_there_is_nothing_to_share_or_go_back_to(self, rollout):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.until(lambda status: status.rolled_out == status.latest_created)
        with pytest.raises(NotReadyError, match="no earlier revision to go back to"):
            traffic.rollback(*rollout.where)
        for percent in (0, 10):
            with pytest.raises(NotReadyError, match="nothing is on trial"):
                traffic.shift(*rollout.where, percent)
        traffic.shift(*rollout.where, 100)
        traffic.promote(*rollout.where)
        rollout.until_shares(one=100)

    def test_a_shift_never_takes_a_promotion_back(self, rollout):
        traffic = rollout.way.traffic
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.deploy("two")
        traffic.promote(*rollout.where)
        rollout.until_shares(two=100)
        rollout.until(lambda status: status.rolled_out == status.latest_created)
        with pytest.raises(NotReadyError, match="nothing is on trial"):
            traffic.shift(*rollout.where, 0)
        rollout.until_shares(two=100)

    def test_the_first_revision_that_is_ready_gets_all_whatever_came_before(self, rollout):
        traffic = rollout.way.traffic
        rollout.stage("broken")
        rollout.until(lambda status: status.transition == "BlockedByFailedLoad")
        for verb in (traffic.promote, traffic.rollback):
            with pytest.raises(NotReadyError):
                verb(*rollout.where)
        rollout.deploy("two")
        rollout.until(lambda status: status.rolled_out == status.latest_ready)
        traffic.shift(*rollout.where, 100)
        rollout.until_shares(two=100)

    def test_staging_what_is_live_already_changes_nothing(self, rollout):
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.deploy("two")
        rollout.way.traffic.promote(*rollout.where)
        rollout.until_shares(two=100)
        rollout.stage("two")
        time.sleep(0.5)
        # A route may still be on its way from the promotion, so its shares are waited for.
        rollout.until_shares(two=100)
        assert len(rollout.status().revision_uris) == 2
