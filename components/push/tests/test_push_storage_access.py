"""Credentials of the step's environment become a Secret, and appear nowhere else."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanaria.components.push import storage_access
from kanaria.components.shared.errors import (
    ConflictError,
    KanariaError,
    ParameterError,
    PermissionDeniedError,
)
from kanaria.serving.inference_service import bucket_access
from kanaria.serving.inference_service.service_spec import ServiceSpec, StorageAccess
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.find_traffic import LOCAL_STATE

KEY, SECRET = "AKIAEXAMPLE", "not-for-anybodys-eyes"
SERVICE = ServiceSpec(name="tips", namespace="team", storage_uri="s3://b/m")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def secret(model_root: str) -> dict[str, Any]:
    access = storage_access.of(SERVICE, model_root)
    return bucket_access.secret(access.bucket, access.namespace, access.secret)


def test_a_minio_bucket_is_read_without_tls_where_kfp_keeps_it():
    manifest = secret("minio://mlpipeline/models")
    assert manifest["metadata"]["annotations"] == {
        "serving.kserve.io/s3-endpoint": "seaweedfs.kubeflow:9000",
        "serving.kserve.io/s3-usehttps": "0",
        "serving.kserve.io/s3-verifyssl": "0",
        "serving.kserve.io/s3-region": "us-east-1",
    }
    assert manifest["stringData"] == {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def test_a_bucket_of_aws_is_read_with_tls_in_its_region(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert secret("s3://models")["metadata"]["annotations"] == {
        "serving.kserve.io/s3-endpoint": "s3.amazonaws.com",
        "serving.kserve.io/s3-usehttps": "1",
        "serving.kserve.io/s3-verifyssl": "1",
        "serving.kserve.io/s3-region": "eu-central-1",
    }


def test_the_pods_run_as_the_account_that_lists_the_secret():
    access_wanted = StorageAccess(service_account="reader", secret="bucket-key")
    named = ServiceSpec(name="tips", storage_uri="s3://b/m", storage=access_wanted)
    for service, account, name in (
        (SERVICE, "tips-storage", "tips-storage"),
        (named, "reader", "bucket-key"),
    ):
        access = storage_access.of(service, "s3://b")
        assert (access.account, access.secret) == (account, name)
        assert storage_access.used(service, access).storage.service_account == account
        listed_account = bucket_access.service_account("team", access.account, access.secret)
        assert listed_account["secrets"] == [{"name": name}]


def test_a_mounted_credentials_file_serves_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert secret("s3://models")["stringData"]["AWS_SECRET_ACCESS_KEY"] == SECRET


@pytest.mark.parametrize(
    ("variables", "root", "cause"),
    [
        ({}, "/models", "is no s3:// or minio:// bucket"),
        ({}, "gs://models", "is no s3:// or minio:// bucket"),
        ({"AWS_ACCESS_KEY_ID": ""}, "minio://models", "no credentials in the step; set AWS_ACCESS"),
        ({"AWS_SESSION_TOKEN": "short-lived"}, "s3://models", "credentials are temporary"),
        ({"AWS_ENDPOINT_URL": f"https://me:{SECRET}@s3"}, "s3://models", "not an endpoint"),
    ],
)
def test_what_cannot_be_given_on_is_one_error_without_secrets(
    variables: dict[str, str], root: str, cause: str, monkeypatch: pytest.MonkeyPatch
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError, match=cause) as caught:
        storage_access.of(SERVICE, root)
    assert SECRET not in str(caught.value)


class Api(ThreadingHTTPServer):
    """Takes what is applied, or refuses it with `code`."""

    code = 200

    def __init__(self) -> None:
        self.applied: list[tuple[str, dict[str, Any]]] = []
        self.secret: dict[str, Any] | None = None
        """The Secret that is there already."""
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path, _, query = self.path.partition("?")
        code, answered = self.server.code, body
        if "dryRun=All" in query and code < 400:
            code, answered = (200, self.server.secret) if self.server.secret else (404, {})
        else:
            self.server.applied.append((path, body))
        answer = json.dumps({"message": "refused"} if code >= 400 else answered).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PATCH  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
        config = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        monkeypatch.delenv(LOCAL_STATE, raising=False)
        yield server
        server.shutdown()
        thread.join()


def create(access: storage_access.PodAccess) -> None:
    storage_access.create(access, KubernetesClient.connect())


def test_secret_and_account_are_applied_before_anything_refers_to_them(api: Api):
    create(storage_access.of(SERVICE, "s3://b"))
    below = "/api/v1/namespaces/team"
    assert [path for path, _ in api.applied] == [
        f"{below}/secrets",
        f"{below}/serviceaccounts/tips-storage",
    ]
    assert api.applied[0][1]["stringData"]["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert api.applied[0][1]["metadata"]["labels"] == bucket_access.MADE_HERE


def made_by(*managers: str, **labels: str) -> dict[str, Any]:
    fields = [{"manager": manager} for manager in managers]
    metadata = {"resourceVersion": "7", "labels": labels, "managedFields": fields}
    return {"metadata": metadata, "data": {"token": "dGhlaXJz"}}


@pytest.mark.parametrize(
    "theirs",
    [
        made_by("kubectl-create"),
        made_by("kubectl-create", "kanaria"),
        made_by("helm", **{"app.kubernetes.io/managed-by": "Helm"}),
        {"metadata": {"resourceVersion": "7"}},
    ],
)
def test_a_secret_that_was_not_made_here_is_left_as_it_is(api: Api, theirs: dict[str, Any]):
    api.secret = theirs
    with pytest.raises(ConflictError, match=r"Secret team/tips-storage: not made by Kanaria"):
        create(storage_access.of(SERVICE, "s3://b"))
    assert api.applied == []


@pytest.mark.parametrize(
    "ours", [made_by("kanaria"), made_by("kubectl-edit", "kanaria", **bucket_access.MADE_HERE)]
)
def test_a_secret_that_was_made_here_is_written_as_it_was_seen(api: Api, ours: dict[str, Any]):
    api.secret = ours
    create(storage_access.of(SERVICE, "s3://b"))
    path, applied = api.applied[0]
    assert path.endswith("/secrets/tips-storage")
    assert applied["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(("code", "error"), [(403, PermissionDeniedError), (422, ParameterError)])
def test_a_refusal_says_nothing_of_the_secret(
    api: Api,
    code: int,
    error: type[KanariaError],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    api.code = code
    caplog.set_level("DEBUG")
    access = storage_access.of(SERVICE, "s3://b")
    with pytest.raises(error) as caught:
        create(access)
    outputs = (str(caught.value), repr(access), caplog.text, *capfd.readouterr())
    assert not [text for text in outputs if SECRET in text or KEY in text]
