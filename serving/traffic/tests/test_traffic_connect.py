import pytest

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.controller import reconcile
from kanaria.serving.local.state import state_folder
from kanaria.serving.traffic.find_traffic import connect
from kanaria.serving.traffic.local_traffic import LocalTraffic

MANIFEST = build(ServiceSpec(name="flights", storage_uri="/models/one", canary_percent=10))
FIRST = "flights-predictor-00001"


@pytest.fixture
def state(tmp_path):
    """A state folder that no server is live on."""
    service = state_folder.service_of(tmp_path, MANIFEST)
    service.folder.mkdir(parents=True)
    service.apply(MANIFEST)
    observed = reconcile.mark_ready(
        reconcile.adopt(state_folder.Observed(), MANIFEST, service.applied()), FIRST
    )
    status = reconcile.status(observed, "http://127.0.0.1:1")
    service.write_observed(reconcile.replace(observed, status=status))
    return tmp_path


def test_without_an_environment_there_is_no_way(monkeypatch, tmp_path):
    for name in ("KANARIA_SERVING_ROOT", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(NotReadyError, match="KANARIA_SERVING_ROOT"), connect():
        pass


def test_reading_starts_no_server(monkeypatch, state):
    monkeypatch.setenv("KANARIA_SERVING_ROOT", str(state))
    with connect() as traffic:
        status = traffic.observe("default", "flights")
    assert (status.rolled_out, status.revision_uris) == (FIRST, {FIRST: "/models/one"})
    assert (status.canary_percent, status.url) == (10, "")
    assert not (state / state_folder.SERVER_LOG).exists()


def test_reading_an_empty_place_makes_nothing(tmp_path):
    with LocalTraffic(tmp_path / "none") as traffic:
        assert traffic.observe("default", "flights") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_percentage_out_of_range_is_refused(state, percent):
    with LocalTraffic(state) as traffic, pytest.raises(ParameterError, match=f"percent={percent}"):
        traffic.shift("default", "flights", percent)
    assert state_folder.Service(state, "default", "flights").manifest() == MANIFEST


def test_an_unknown_service_cannot_be_shifted(state):
    with LocalTraffic(state) as traffic, pytest.raises(ParameterError, match="default/nobody"):
        traffic.shift("default", "nobody", 10)


def test_a_model_elsewhere_is_refused_before_anything_is_written(tmp_path):
    manifest = build(ServiceSpec(name="flights", storage_uri="hdfs://host/model"))
    with LocalTraffic(tmp_path) as traffic, pytest.raises(ParameterError, match="hdfs"):
        traffic.stage(manifest)
    assert list(tmp_path.iterdir()) == []
