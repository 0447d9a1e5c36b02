"""Releases that a push signs and verifies, in a folder and in a bucket."""

import logging
from pathlib import Path

import object_stores
import pytest
from signing_keys import Pair, pair

from kanaria.components.push import release_signature
from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.push.push import PushRequest, push
from kanaria.components.shared.artifacts import outcome, release, verified_release
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY, VerifyKeys
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.serving import delivery_mapping
from kanaria.serving.signature_keys import SignatureKeys
from kanaria.serving.traffic.find_traffic import LOCAL_STATE

RECORD = release.Record(service="tips", outcome="", fingerprint="", contents={})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


def sources(folder: Path, graph: str = "graph") -> Sources:
    parts = {name: folder / graph / name for name in ("model", "schema", "statistics")}
    for path in parts.values():
        (path / "1").mkdir(parents=True)
        (path / "1/saved_model.pb").write_text(graph)
    return Sources(**parts)


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if request.param == "folder":
        yield str(tmp_path / "models/tips")
        return
    with object_stores.minio() as bucket:
        bucket.use(monkeypatch)
        yield f"{bucket.uri}/models/tips"


def test_a_release_is_signed_once_and_its_name_stays_the_same(
    root: str, keys: Pair, tmp_path: Path
):
    made = sources(tmp_path)
    unsigned = publish(made, f"{root}-unsigned", RECORD)
    published = publish(made, root, RECORD)
    assert published.rpartition("/")[2] == unsigned.rpartition("/")[2]
    signed = SignatureKeys(signing=keys.private)
    release_signature.settle(published, made, signed)
    first = uri_files.read_text(f"{published}/release.sig")
    assert publish(made, root, RECORD) == published
    release_signature.settle(published, made, signed)
    assert uri_files.read_text(f"{published}/release.sig") == first
    verified_release.check(published, VerifyKeys.of_file(keys.public))


def test_what_lies_in_the_store_is_what_is_verified(root: str, keys: Pair, tmp_path: Path):
    made = sources(tmp_path)
    published = publish(made, root, RECORD)
    signed = SignatureKeys(signing=keys.private)
    release_signature.settle(published, made, signed)
    uri_files.write_text(f"{published}/model/1/saved_model.pb", "another")
    with pytest.raises(DataError, match=r"1/saved_model\.pb is not what was signed"):
        release_signature.settle(published, made, signed)
    uri_files.write_text(f"{published}/model/1/saved_model.pb", "graph")
    uri_files.write_text(f"{published}/model/1/assets/more", "more")
    with pytest.raises(DataError, match="1/assets/more was added"):
        release_signature.settle(published, made, signed)


def test_another_releases_signature_is_refused(root: str, keys: Pair, tmp_path: Path):
    signed = SignatureKeys(signing=keys.private)
    uris = []
    for graph in ("one", "two"):
        made = sources(tmp_path, graph)
        uris.append(publish(made, root, RECORD))
        release_signature.settle(uris[-1], made, signed)
    uri_files.write_text(f"{uris[1]}/release.sig", uri_files.read_text(f"{uris[0]}/release.sig"))
    with pytest.raises(DataError, match=r"1/saved_model\.pb is not what was signed"):
        release_signature.settle(uris[1], made, signed)


def test_what_was_published_unsigned_is_signed_if_it_is_what_is_pushed(
    root: str, keys: Pair, tmp_path: Path
):
    made = sources(tmp_path)
    published = publish(made, root, RECORD)
    signed = SignatureKeys(signing=keys.private)
    (made.statistics / "1/saved_model.pb").write_text("of other rows")
    with pytest.raises(DataError, match="not signed: statistics is not what would be signed"):
        release_signature.settle(published, made, signed)
    (made.statistics / "1/saved_model.pb").write_text("graph")
    uri_files.write_text(f"{published}/own/part", "more")
    with pytest.raises(DataError, match="not signed: own is not what would be signed"):
        release_signature.settle(published, made, signed)
    assert not uri_files.exists(f"{published}/release.sig")
    uri_files.remove(f"{published}/own")
    release_signature.settle(published, made, signed)
    with pytest.raises(DataError, match=r"release\.sig: it is signed"):
        release_signature.sign(published, keys.private)


def test_who_only_verifies_refuses_what_is_not_signed_or_by_another(
    root: str, keys: Pair, tmp_path: Path
):
    made = sources(tmp_path)
    published = publish(made, root, RECORD)
    verified = SignatureKeys(verifying=VerifyKeys.of_file(keys.public))
    with pytest.raises(DataError, match=r"not signed: there is no .*/release\.sig"):
        release_signature.settle(published, made, verified)
    other = pair(tmp_path, "other")
    release_signature.settle(published, made, SignatureKeys(signing=other.private))
    with pytest.raises(DataError, match="signed with another key"):
        release_signature.settle(published, made, verified)


def test_without_keys_nothing_is_written(root: str, tmp_path: Path):
    made = sources(tmp_path)
    published = publish(made, root, RECORD)
    release_signature.settle(published, made, SignatureKeys())
    assert not uri_files.exists(f"{published}/release.sig")


def request(folder: Path, settings: dict[str, str]) -> PushRequest:
    outcome.write(Outcome(step="bless_model", passed=True), folder / "outcome")
    return PushRequest(
        sources=sources(folder),
        outcomes=(folder / "outcome",),
        model_root=str(folder / "models"),
        service={"name": "tips"},
        delivery=settings,
    )


def test_a_push_refuses_before_any_service_points_at_the_release(
    keys: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    state = tmp_path / "serving"
    monkeypatch.setenv(LOCAL_STATE, str(state))
    monkeypatch.setenv(VERIFY_KEY, str(keys.public))
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DataError, match="not signed"):
        push(request(tmp_path, {}), tmp_path / "endpoint")
    assert not list(state.rglob("*.yaml")) and not (tmp_path / "endpoint").exists()
    secret = keys.private.read_text().splitlines()[1]
    assert secret not in caplog.text


def test_every_fault_of_the_keys_is_told_at_once(tmp_path: Path, keys: Pair):
    settings = {"signing_key": str(tmp_path / "none.pem"), "verify_key": str(keys.private)}
    with pytest.raises(ParameterError) as error:
        push(request(tmp_path, settings), tmp_path / "endpoint")
    assert "none.pem': No such file" in str(error.value)
    assert "verifying key" in str(error.value)
    assert not (tmp_path / "models").exists()


def test_the_variable_that_holds_the_path_may_be_named(keys: Pair, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIGNING", str(keys.private))
    faults = Faults("push_model")
    settings = delivery_mapping.parse({"signing_key": "$SIGNING"}, faults)
    assert release_signature.keys_of(settings, faults) == SignatureKeys(signing=keys.private)
    monkeypatch.delenv("SIGNING")
    release_signature.keys_of(settings, faults)
    with pytest.raises(ParameterError, match=r"delivery.signing_key='\$SIGNING': not set here"):
        faults.raise_if_any()


@pytest.mark.parametrize("between", ["\n", " ", "\\n"])
def test_the_text_of_a_key_is_refused_and_not_repeated(keys: Pair, between: str):
    faults = Faults("kanaria run")
    text = keys.private.read_text().replace("\n", between)
    delivery_mapping.parse({"signing_key": text, "verify_key": "key.pem"}, faults)
    with pytest.raises(ParameterError) as error:
        faults.raise_if_any()
    assert "delivery.signing_key: the text of a key" in str(error.value)
    assert "delivery.verify_key='key.pem': write a whole path" in str(error.value)
    assert keys.private.read_text().splitlines()[1] not in str(error.value)
