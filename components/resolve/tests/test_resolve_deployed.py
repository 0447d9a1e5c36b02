from pathlib import Path

import pytest
from signing_keys import pair

from kanaria.components.resolve.deployed_release import (
    checked,
    release_of,
    resolve_deployed,
    verify_key,
)
from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError
from kanaria.serving.delivery_mapping import Delivery
from kanaria.serving.kubernetes_api import cluster_choice
from kanaria.serving.traffic.find_traffic import LOCAL_STATE
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

OLD, NEW = "/models/tips/0123/model", "file:///models/tips/4567/model"


def status(rolled_out: str, stable_uri: str = OLD) -> ServiceStatus:
    return ServiceStatus(
        storage_uri=NEW,
        canary_percent=10,
        latest_created="tips-2",
        latest_ready="tips-2",
        rolled_out=rolled_out,
        revision_uris={"tips-1": stable_uri, "tips-2": NEW},
    )


def test_the_stable_revision_is_deployed_not_the_canary():
    assert release_of(status("tips-1")) == "/models/tips/0123"


def test_a_promoted_canary_is_deployed():
    assert release_of(status("tips-2")) == "file:///models/tips/4567"


def test_a_service_that_has_not_served_yet_has_no_release():
    assert release_of(status("")) == ""
    assert release_of(None) == ""


@pytest.mark.parametrize("uri", ["s3://bucket/other", "/model", "/models/tips"])
def test_a_service_that_somebody_else_made_is_refused(uri: str):
    with pytest.raises(DataError, match="no release of push_model; use another service"):
        release_of(status("tips-1", uri))


def test_nothing_is_deployed_in_an_empty_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(LOCAL_STATE, str(tmp_path))
    assert resolve_deployed("tips", "default") == ""


def test_all_mappings_are_judged_whole_before_anything_is_looked_at():
    service = {"name": "Tips!", "namespace": "my team", "minReplica": 2}
    with pytest.raises(ParameterError) as raised:
        checked(
            service,
            {"ready_timeout": "600", "checks": {"load": {"rate": 0}}},
            {"tracking_uri": "sqlite:///m.db"},
        )
    for fault in (
        "resolve_deployed: service.minReplica=2: no such key, did you mean service.minReplicas?",
        "service.name='Tips!'",
        "service.namespace='my team'",
        "delivery.ready_timeout='600': write a whole number, without quotes",
        "delivery.checks.load.rate=0",
        "tracking.tracking_uri: no address of a server",
    ):
        assert fault in str(raised.value)


def test_a_service_without_a_namespace_is_in_that_of_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv(LOCAL_STATE, str(tmp_path))
    spec, delivery = checked({"name": "tips"}, {}, {})
    assert (spec.name, spec.namespace) == ("tips", "default")
    assert (delivery.ready_timeout, delivery.on_active) == (600, "refuse")
    monkeypatch.delenv(LOCAL_STATE)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(cluster_choice, "POD_NAMESPACE", tmp_path / "namespace")
    (tmp_path / "namespace").write_text("runs")
    assert checked({"name": "tips"}, {}, {})[0].namespace == "runs"
    assert checked({"name": "tips", "namespace": "team"}, {}, {})[0].namespace == "team"


def test_without_a_way_to_deliver_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(LOCAL_STATE, raising=False)
    with pytest.raises(NotReadyError, match=LOCAL_STATE):
        resolve_deployed("tips", "default")


def test_the_key_of_releases_is_read_once_and_handed_on_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own, other = pair(tmp_path, "own"), pair(tmp_path, "other")
    monkeypatch.delenv(VERIFY_KEY, raising=False)
    assert verify_key(Delivery()) == ""
    monkeypatch.setenv(VERIFY_KEY, str(other.public))
    assert verify_key(Delivery()) == other.public.read_text()
    assert verify_key(Delivery(verify_key=str(own.public))) == own.public.read_text()
    with pytest.raises(ParameterError, match=r"own\.pem': no PUBLIC KEY in it"):
        verify_key(Delivery(verify_key=str(own.private)))
