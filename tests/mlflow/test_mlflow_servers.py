"""Servers that ask for a password, or take no files; and what a person deletes or a race leaves."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow_server import Records, mlflow_server, named

from kanaria.components.shared.errors import KanariaError, PermissionDeniedError
from kanaria.serving.model_registry import registered_versions, tracked_run
from kanaria.serving.model_registry.mlflow_client import MlflowClient
from kanaria.serving.model_registry.registered_versions import FINGERPRINT
from kanaria.serving.model_registry.run_facts import RunFacts
from kanaria.serving.model_registry.tracked_run import RunIdentity

SECONDS = 600
IDENTITY = RunIdentity(run_id="run-1", pipeline="p", experiment="e", name="n")
PASSWORD = "a long: password, of ASCII"


def registered(client: MlflowClient, model: str, fingerprint: str) -> str:
    run = tracked_run.opened(client, IDENTITY)
    return registered_versions.registered(
        client, model, f"s3://b/{fingerprint}/model", run.id, {FINGERPRINT: fingerprint}
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that lets in who knows the password of `admin`."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = folder / "auth.ini"
    settings.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder}/auth.db\nadmin_username = admin\n"
        f"admin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    options = ("--app-name", "basic-auth", "--artifacts-destination", str(folder / "artifacts"))
    variables = {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "x"}
    with mlflow_server(folder, f"sqlite:///{folder}/m.db", *options, **variables) as uri:
        yield uri


def test_a_server_with_a_password_lets_in_who_has_it(
    guarded: str, caplog: pytest.LogCaptureFixture
):
    account = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    with MlflowClient(guarded, SECONDS, account) as client:
        run = tracked_run.opened(client, IDENTITY)
        tracked_run.keep(client, run, [("a.txt", b"text")])
        assert registered(client, "m", "aa") == "1"
    assert caplog.messages == []
    elsewhere = account | {"MLFLOW_TRACKING_URI": "http://other:5000"}
    for environment in ({}, account | {"MLFLOW_TRACKING_PASSWORD": "wrong"}, elsewhere):
        with (
            MlflowClient(guarded, SECONDS, environment) as client,
            pytest.raises(PermissionDeniedError, match="MLFLOW_TRACKING_USERNAME") as raised,
        ):
            tracked_run.opened(client, IDENTITY)
        assert PASSWORD not in str(raised.value)


def test_a_server_that_takes_no_files_is_told_all_the_rest(tmp_path: Path):
    options = ("--no-serve-artifacts", "--default-artifact-root", str(tmp_path / "artifacts"))
    with mlflow_server(tmp_path, f"sqlite:///{tmp_path}/m.db", *options) as uri:
        with MlflowClient(uri, SECONDS) as client:
            run = tracked_run.opened(client, IDENTITY)
            assert not tracked_run.takes_files(run)
            tracked_run.keep(client, run, [("a.txt", b"text")])
            source = f"runs:/{run.id}/release"
            tags = {FINGERPRINT: "aa", "kanaria.model_uri": "/here"}
            assert registered_versions.registered(client, "m", source, run.id, tags) == "1"
        with closing(Records(uri)) as records:
            (version,) = records.versions("m")
            assert named(version["tags"]) == tags


def test_a_version_that_a_person_deletes_is_registered_anew(server: str, records: Records):
    with MlflowClient(server, SECONDS) as client:
        assert [registered(client, "deleted", each) for each in ("aa", "bb", "aa")] == [
            "1",
            "2",
            "1",
        ]
        registered_versions.set_aliases(client, "deleted", {"champion": "2", "candidate": "1"})
        records.delete("model-versions/delete", name="deleted", version="2")
        # As long as it is not there, the alias cannot be: that is said.
        with pytest.raises(KanariaError, match=r"name=deleted, version=2\) not found"):
            registered_versions.set_aliases(client, "deleted", {"champion": "2", "candidate": ""})
        assert registered(client, "deleted", "bb") == "3"
        registered_versions.set_aliases(client, "deleted", {"champion": "3", "candidate": "1"})
    assert records.aliases("deleted") == {"champion": "3", "candidate": "1"}


def test_several_who_begin_at_once_have_one_experiment_and_one_model(server: str, records: Records):
    failures: list[BaseException] = []

    def begin(number: int) -> None:
        try:
            with MlflowClient(server, SECONDS) as client:
                which = RunIdentity(
                    run_id=f"run-{number}", pipeline="p", experiment="race", name="n"
                )
                run = tracked_run.opened(client, which)
                registered_versions.registered(
                    client, "race", "s3://b/m", run.id, {FINGERPRINT: f"f{number}"}
                )
        except KanariaError as error:
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(records.runs("race")) == 6
    assert [each["version"] for each in records.versions("race")] == list("123456")


def test_a_server_that_refuses_a_file_is_told_all_the_rest(
    server: str, records: Records, caplog: pytest.LogCaptureFixture
):
    which = replace(IDENTITY, experiment="refused files")
    with MlflowClient(server, SECONDS) as client:
        run = tracked_run.opened(client, which)
        tracked_run.keep(client, run, [("a" * 300, b"1"), ("b", b"2")])
        tracked_run.log(client, run, RunFacts(metrics={"auc": 0.5}))
    assert "its files are not all kept: " in caplog.text
    (logged,) = records.runs("refused files")
    assert named(logged["data"]["metrics"]) == {"auc": 0.5}
