"""What every way of delivery must do.

A way makes a subclass of TrafficContract in a test file of its own, with a fixture `way`.
"""

import time
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from kanaria.serving.traffic.protocol import Traffic

TIMEOUT_SECONDS = 90


class Way(Protocol):
    """A Traffic, and the models `one`, `two` and `broken` (it does not load) as it serves them."""

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
        return {models[share.revision]: share.percent for share in status.traffic if share.percent}

    def until_shares(self, **wanted):
        self.until(lambda _: self.shares() == wanted)


class TrafficContract:
    """The tests; subclasses give the fixture `way`."""

    @pytest.fixture
    def rollout(self, way, request):
        name = request.node.name.removeprefix("test_").replace("_", "-")
        return Rollout(way, name[:30].rstrip("-"))

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
        rollout.way.traffic.promote(*rollout.where)
        rollout.until_shares(two=100)
        promoted = rollout.until(lambda status: status.rolled_out == status.latest_ready)
        assert promoted.previous_rolled_out != ""
        rollout.way.traffic.rollback(*rollout.where)
        rollout.until_shares(one=100)
        rollout.way.traffic.rollback(*rollout.where)
        rollout.until_shares(one=100)

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

    def test_staging_what_is_live_already_changes_nothing(self, rollout):
        rollout.deploy("one")
        rollout.until_shares(one=100)
        rollout.deploy("two")
        rollout.way.traffic.promote(*rollout.where)
        rollout.until_shares(two=100)
        rollout.stage("two")
        time.sleep(0.5)
        assert rollout.shares() == {"two": 100}
        assert len(rollout.status().revision_uris) == 2
