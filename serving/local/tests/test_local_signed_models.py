"""A server that loads signed models only, with real predictors, a folder and a bucket."""

import shutil
import signal
import tempfile
from pathlib import Path

import object_stores
import pytest
from local_server import ROWS, Server, until
from signed_releases import finished
from signing_keys import Pair, pair

from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.predictor import model_copy
from kanaria.serving.local.server import serve
from kanaria.serving.local.state.state_folder import Service
from kanaria.serving.traffic.local_traffic import LocalTraffic

STABLE, SECOND = "flights-predictor-00001", "flights-predictor-00002"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


def published(model: Path, root: str, keys: Pair) -> str:
    """Publish a model as a signed release below a folder or bucket; return the model's URI."""
    with tempfile.TemporaryDirectory() as folder:
        making = Path(folder) / "making"
        shutil.copytree(model, making / "model")
        home = finished(making, Path(folder), keys, "flights")
        uri = f"{root}/flights/{home.name}"
        uri_files.publish(home, uri, last="release.json")
    return f"{uri}/model"


def staged(traffic: LocalTraffic, uri: str):
    traffic.stage(build(ServiceSpec(name="flights", storage_uri=uri, canary_percent=0)))


def settled(traffic: LocalTraffic, revision: str):
    """Wait until a revision is ready or has failed; return why it has, or None."""

    def ended():
        status = traffic.observe("default", "flights")
        assert status
        if status.latest_created != revision:
            return None
        return (status.failure and (status.failure.message,)) or (
            status.latest_ready == revision and (None,)
        )

    return until(ended)[0]


def test_what_is_not_signed_is_not_loaded_and_the_one_before_goes_on_answering(
    models: Path, keys: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VERIFY_KEY, str(keys.public))
    one = published(models / "one", str(tmp_path / "models"), keys)
    two = published(models / "two", str(tmp_path / "models"), keys)
    state = tmp_path / "state"
    server = Server(state)
    with LocalTraffic(state) as traffic:
        staged(traffic, one)
        assert settled(traffic, STABLE) is None
        before = server.predict().json()
        variables = next(Path(two).glob("1/variables/*.data*"))
        data = bytearray(variables.read_bytes())
        data[-1] ^= 1
        variables.write_bytes(data)
        staged(traffic, two)
        why = settled(traffic, SECOND)
        said = f"model/1/variables/{variables.name} is not what was signed"
        assert why.startswith(f"{two.removesuffix('/model')}: not the signed release: {said}; ")
        assert server.predict().json() == before
        assert traffic.observe("default", "flights").rolled_out == STABLE
        data[-1] ^= 1
        variables.write_bytes(data)
        Path(two).with_name("release.sig").unlink()
        staged(traffic, f"file://{two}")
        assert "not signed: there is no" in settled(traffic, "flights-predictor-00003")
        assert server.predict().json() == before
    assert server.end(signal.SIGTERM) != 0
    # What is loaded is a copy, verified at each load: what its source has become is not.
    (Path(one) / "1/more.txt").touch()
    server = Server(state)
    assert server.predict(ROWS).json()["predictions"]
    server.end(signal.SIGTERM)
    copies = Service(state, "default", "flights").models()
    (model_copy.folder(one, copies) / "1/more.txt").touch()
    server = Server(state)
    assert server.predict(ROWS).status_code == 503
    server.end(signal.SIGTERM)


def test_a_copy_is_verified_each_time_and_taken_anew_when_it_is_not_the_signed_one(
    models: Path, keys: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VERIFY_KEY, str(keys.public))
    with object_stores.minio() as bucket:
        bucket.use(monkeypatch)
        uri = published(models / "one", bucket.uri, keys)
        copies = tmp_path / "copies"
        model_copy.copy(uri, copies)
        own = model_copy.folder(uri, copies) / "1/saved_model.pb"
        own.write_bytes(b"other")
        with pytest.raises(Exception, match=r"1/saved_model\.pb is not what was signed"):
            model_copy.copy(uri, copies)
        assert not model_copy.folder(uri, copies).exists()
        model_copy.copy(uri, copies)


def test_a_server_begins_with_a_key_that_can_verify(
    keys: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VERIFY_KEY, str(keys.private))
    with pytest.raises(ParameterError, match=r"verifying key .*PUBLIC KEY"):
        serve(tmp_path, 0)
