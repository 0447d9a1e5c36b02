"""The client against a real HTTP server that answers what a test says, one answer a request."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes import client

from kanaria.components.shared.errors import (
    ConflictError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
)
from kanaria.serving.kubernetes_api import repeated_requests
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS

ATTEMPTS = len(repeated_requests.WAITS_SECONDS) + 1
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "found"}}
LOST, SILENT = object(), object()
"""Answers that are none: the connection ends; nothing comes before the client's time-out."""


def refusal(message: str, *causes: dict[str, str]) -> dict[str, Any]:
    return {"kind": "Status", "message": message, "details": {"causes": list(causes)}}


def conflict_with(manager: str) -> dict[str, Any]:
    cause = {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}" using v1'}
    return refusal("Apply failed", cause)


@dataclass
class Script:
    """What the server answers in turn, and what it was asked."""

    answers: list[Any] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    ends: threading.Event = field(default_factory=threading.Event)

    def then(self, status: int, body: Any = MAP, **headers: str) -> "Script":
        text = body if isinstance(body, str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, text, named))
        return self

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length", 0))
        body = json.loads(request.rfile.read(length) or "null")
        path = urlsplit(request.path)
        query = {name: answer for name, (answer,) in parse_qs(path.query).items()}
        request_fields = {
            "method": request.command,
            "path": path.path,
            "query": query,
            "body": body,
        }
        self.requests.append({**request_fields, "kind": request.headers["Content-Type"]})
        answer = self.answers.pop(0)
        request.close_connection = True
        if answer is SILENT:
            self.ends.wait(10)
        if not isinstance(answer, tuple):
            return
        status, text, headers = answer
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(text.encode())


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def cluster(script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesClient]:
    """A client of a server that follows the script, with pauses that a test can wait for."""
    monkeypatch.setattr(repeated_requests, "WAITS_SECONDS", (0.0,) * (ATTEMPTS - 1))
    monkeypatch.setattr(repeated_requests, "TIMEOUT_SECONDS", (1.0, 0.2))

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", lambda request: script.answer(request))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
    settings.retries = False
    yield KubernetesClient(client.ApiClient(settings))
    script.ends.set()
    server.shutdown()
    thread.join()
    server.server_close()


def read(cluster: KubernetesClient) -> Any:
    return cluster.get(CONFIG_MAPS, "space", "found")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(cluster: KubernetesClient, script: Script, status: int):
    script.then(status, refusal("busy")).then(status, refusal("busy")).then(200)
    assert read(cluster) == MAP
    assert len(script.requests) == 3


@pytest.mark.parametrize("lost", [LOST, SILENT])
def test_a_lost_answer_is_asked_for_again(cluster: KubernetesClient, script: Script, lost: object):
    script.answers = [lost, lost]
    script.then(200)
    assert read(cluster) == MAP
    assert len(script.requests) == 3


def test_an_answer_that_is_no_object_is_asked_for_again(cluster: KubernetesClient, script: Script):
    script.then(200, "<html>please log in</html>").then(200, "[]").then(200)
    assert read(cluster) == MAP


def test_attempts_are_bounded_and_the_last_reason_is_kept(
    cluster: KubernetesClient, script: Script
):
    for number in range(ATTEMPTS + 1):
        script.then(503, refusal(f"etcd is away {number}"))
    with pytest.raises(NotReadyError) as caught:
        read(cluster)
    assert len(script.requests) == ATTEMPTS
    assert str(caught.value) == (
        f"kubernetes: GET /api/v1/namespaces/space/configmaps/found failed {ATTEMPTS} times; "
        f"last: 503: etcd is away {ATTEMPTS - 1}"
    )


def test_silence_has_an_end_and_is_told(cluster: KubernetesClient, script: Script):
    script.answers = [SILENT] * ATTEMPTS
    with pytest.raises(NotReadyError, match=r"last: no answer: .*timed out"):
        read(cluster)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ParameterError),
        (401, PermissionDeniedError),
        (403, PermissionDeniedError),
        (409, ConflictError),
        (422, ParameterError),
    ],
)
def test_a_refusal_is_final_and_says_why(
    cluster: KubernetesClient, script: Script, status: int, error: type[Exception]
):
    script.then(status, refusal("spec.size: too big"))
    with pytest.raises(error, match=r"PUT /api/v1/namespaces/space/configmaps/found: .*too big"):
        cluster.replace(CONFIG_MAPS, "space", MAP)
    assert len(script.requests) == 1


def test_a_conflict_told_by_something_else_than_kubernetes_is_one_too(
    cluster: KubernetesClient, script: Script
):
    script.then(409, "<html>conflict</html>")
    with pytest.raises(ConflictError, match="conflict") as caught:
        cluster.apply(CONFIG_MAPS, "space", MAP)
    assert caught.value.managers == frozenset()


@pytest.mark.parametrize(
    ("retry_after", "waited"), [("3", 3.0), ("3600", 10.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)]
)
def test_a_pause_the_server_asks_for_is_kept_within_a_bound(
    cluster: KubernetesClient,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    retry_after: str,
    waited: float,
):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    script.then(429, refusal("slow down"), Retry_After=retry_after).then(200)
    assert read(cluster) == MAP
    assert pauses == [waited]


def test_nothing_found_is_none_and_no_error_to_delete(cluster: KubernetesClient, script: Script):
    script.then(404, refusal("not found")).then(404, refusal("not found"))
    assert read(cluster) is None
    cluster.delete(CONFIG_MAPS, "space", "found")


def test_apply_takes_fields_over_from_our_own_patches_only(
    cluster: KubernetesClient, script: Script
):
    script.then(409, conflict_with("kanaria")).then(200)
    assert cluster.apply(CONFIG_MAPS, "space", MAP) == MAP
    assert [one["query"].get("force") for one in script.requests] == [None, "true"]
    script.then(409, conflict_with("kubectl"))
    with pytest.raises(ConflictError) as caught:
        cluster.apply(CONFIG_MAPS, "space", MAP)
    assert caught.value.managers == {"kubectl"}


def test_a_merge_patch_carries_the_version_it_was_decided_on_and_nulls(
    cluster: KubernetesClient, script: Script
):
    script.then(200)
    cluster.merge_patch(CONFIG_MAPS, "space", "found", {"data": {"old": None}}, "17")
    (sent,) = script.requests
    assert sent["kind"] == "application/merge-patch+json"
    assert sent["body"] == {"data": {"old": None}, "metadata": {"resourceVersion": "17"}}


WRITES: dict[str, Callable[[KubernetesClient], Any]] = {
    "create": lambda cluster: cluster.create(CONFIG_MAPS, "space", MAP),
    "apply": lambda cluster: cluster.apply(CONFIG_MAPS, "space", MAP),
    "replace": lambda cluster: cluster.replace(CONFIG_MAPS, "space", MAP),
    "merge_patch": lambda cluster: cluster.merge_patch(CONFIG_MAPS, "space", "found", {}, "1"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_every_write_names_its_field_manager(
    cluster: KubernetesClient, script: Script, write: Callable[[KubernetesClient], Any]
):
    script.then(200)
    write(cluster)
    assert script.requests[0]["query"]["fieldManager"] == "kanaria"


@pytest.mark.parametrize("content", [b"a: [", b"", b"[]", b"\xff\xfe", b"contexts: 1\n", None])
def test_a_kubeconfig_that_is_none_is_told(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "config"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NotReadyError, match=r"^kubernetes: .*; run in a pod, or set KUBECONFIG$"):
        KubernetesClient.connect()
