"""What every way of delivery must do; a new way adds itself to WAYS."""

import time

import pytest

from kanaria.serving.inference_service import ServiceSpec, build
from kanaria.serving.traffic.local import LocalTraffic

TIMEOUT_SECONDS = 60


def local(folder):
    return LocalTraffic(folder / "serving")


WAYS = {"local": local}


@pytest.fixture(scope="module", params=WAYS)
def traffic(request, tmp_path_factory):
    with WAYS[request.param](tmp_path_factory.mktemp("state")) as way:
        yield way


class Rollout:
    """One service of a test: it stages models and waits for what should come of it."""

    def __init__(self, traffic, models, name):
        self.traffic, self.models, self.name = traffic, models, name

    def stage(self, model):
        uri = str(self.models / model)
        self.traffic.stage(build(ServiceSpec(name=self.name, storage_uri=uri)))
        return uri

    def status(self):
        return self.traffic.observe("default", self.name)

    def until(self, holds):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not holds(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(0.02)
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


@pytest.fixture
def rollout(traffic, models, request):
    name = request.node.name.split("[")[0].replace("_", "-")[:50].rstrip("-")
    return Rollout(traffic, models, name)


def test_an_unknown_service_has_no_status(traffic):
    assert traffic.observe("default", "nobody") is None


def test_the_first_revision_gets_all_traffic_once_it_is_ready(rollout):
    status = rollout.deploy("one")
    rollout.until_shares(one=100)
    assert status.latest_created == status.latest_ready
    assert rollout.status().rolled_out == status.latest_ready


def test_a_staged_revision_gets_nothing(rollout):
    stable = rollout.deploy("one").latest_ready
    status = rollout.deploy("two")
    assert rollout.shares() == {"one": 100}
    assert status.rolled_out == stable != status.latest_ready
    assert status.canary_percent == 0


def test_a_canary_is_shifted_promoted_and_rolled_back(rollout):
    name = ("default", rollout.name)
    rollout.deploy("one")
    rollout.deploy("two")
    rollout.traffic.shift(*name, 25)
    rollout.until_shares(two=25, one=75)
    rollout.traffic.rollback(*name)
    rollout.until_shares(one=100)
    rollout.traffic.promote(*name)
    rollout.until_shares(two=100)
    promoted = rollout.status()
    assert promoted.rolled_out == promoted.latest_ready
    assert promoted.previous_rolled_out != ""
    rollout.traffic.rollback(*name)
    rollout.until_shares(one=100)
    rollout.traffic.rollback(*name)
    rollout.until_shares(one=100)


def test_a_model_that_does_not_load_leaves_the_stable_one_alone(rollout):
    stable = rollout.deploy("one").latest_ready
    rollout.stage("broken")
    status = rollout.until(lambda status: status.transition == "BlockedByFailedLoad")
    assert rollout.shares() == {"one": 100}
    assert status.latest_ready == status.rolled_out == stable != status.latest_created
    assert status.failure.reason == "ModelLoadFailed"
    assert "saved_model.pb" in status.failure.message
    rollout.deploy("two")
    assert rollout.status().failure is None


def test_staging_what_is_live_already_changes_nothing(rollout):
    rollout.deploy("one")
    rollout.deploy("two")
    rollout.traffic.promote("default", rollout.name)
    rollout.until_shares(two=100)
    rollout.stage("two")
    time.sleep(0.3)
    assert rollout.shares() == {"two": 100}
    assert len(rollout.status().revision_uris) == 2
