"""`kanaria doctor` against an API server that has nothing and allows little."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

KANARIA = Path(sys.executable).with_name("kanaria")


class Api(BaseHTTPRequestHandler):
    """Has no nodes, no KServe and no Knative; accounts may read and not write."""

    def do_GET(self) -> None:
        known = self.path in ("/version", "/api/v1/nodes", "/api/v1/pods")
        self._answer(200 if known else 404, {"gitVersion": "v1.34.4", "items": []})

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        verb = review["spec"]["resourceAttributes"]["verb"]
        self._answer(201, {"status": {"allowed": verb in ("get", "list")}})

    def _answer(self, code: int, document: dict[str, object]) -> None:
        text = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "test",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    yield path
    server.shutdown()
    thread.join()
    server.server_close()


def doctor(kubeconfig: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}
    command = [KANARIA, "doctor", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_cluster_that_lacks_something_makes_it_exit_with_1(kubeconfig: Path):
    done = doctor(kubeconfig, "--namespace", "team", "--context", "test")
    assert done.returncode == 1
    lines = {line[:16].strip(): line[18:] for line in done.stdout.splitlines()}
    assert lines["kubernetes"] == "ok       v1.34.4"
    assert lines["kserve"].startswith("missing  no InferenceService API")
    assert lines["rights"].startswith("missing  add to a Role in team: [{apiGroups:")


def test_the_missing_rules_are_printed_as_yaml(kubeconfig: Path):
    done = doctor(kubeconfig, "--namespace", "team")
    _, _, text = done.stdout.partition("add to a Role in team: ")
    missing = {rule["resources"][0]: rule["verbs"] for rule in yaml.safe_load(text.splitlines()[0])}
    assert missing == {
        "inferenceservices": ["create", "patch", "delete"],
        "httproutes": ["create", "patch"],
        "configmaps": ["create", "update"],
        "leases": ["create", "update"],
        "events": ["create"],
    }


@pytest.mark.parametrize("options", [(), ("--context", "other")])
def test_without_a_cluster_there_is_one_clear_error(tmp_path: Path, options: tuple[str, ...]):
    done = doctor(tmp_path / "absent", *options)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "run in a pod, or set KUBECONFIG" in done.stderr
