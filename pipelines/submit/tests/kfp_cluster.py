"""The API of the cluster around the server: its accounts and their rights, and what a test adds.

Whoever asks may do everything; what an account may do is what the manifests grant it.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from kfp_accounts import Accounts

Entry = dict[str, Any]
INSTALLED: dict[str, Entry] = {
    "/version": {"gitVersion": "v1.34.4"},
    "/api/v1/nodes": {"items": []},
    "/api/v1/pods": {"items": []},
    "/apis/serving.kserve.io/v1beta1": {"resources": [{"name": "inferenceservices"}]},
    "/apis/argoproj.io/v1alpha1": {"resources": [{"name": "workflows"}]},
    "/api/v1/namespaces/kubeflow/configmaps/kfp-launcher": {"data": {"defaultPipelineRoot": ""}},
    "/api/v1/namespaces/kubeflow/secrets/mlpipeline-minio-artifact": {
        "data": {"accesskey": "aQ==", "secretkey": "aQ=="}
    },
}
"""Path -> object, of a cluster with KServe and KFP as their manifests install them."""


class Api(BaseHTTPRequestHandler):
    server: "Cluster"

    def do_GET(self) -> None:
        self.server.questions.append(self.path)
        account = re.fullmatch(r"/api/v1/namespaces/[^/]+/serviceaccounts/([^/]+)", self.path)
        if account and account[1] in self.server.accounts.rights:
            self.answer(200, {"kind": "ServiceAccount"})
        elif self.path in self.server.objects:
            self.answer(200, self.server.objects[self.path])
        else:
            self.answer(404, {"kind": "Status", "message": "not found"})

    def do_POST(self) -> None:
        spec = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["spec"]
        attributes, account = spec["resourceAttributes"], spec.get("user", "").rpartition(":")[2]
        may = self.server.accounts.may(account, attributes["resource"], attributes["verb"])
        self.answer(201, {"status": {"allowed": may or "user" not in spec}})

    def answer(self, status: int, value: Entry) -> None:
        text = json.dumps(value).encode()
        self.send_response(self.server.refuses or status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class Cluster(ThreadingHTTPServer):
    """A cluster.

    Attributes:
        accounts: those that there are, in every namespace.
        objects: path -> object of what there is besides.
        refuses: HTTP status of every answer, 0 for none.
        questions: the paths that were asked for.
    """

    def __init__(self, accounts: Accounts) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.accounts, self.refuses = accounts, 0
        self.objects = dict(INSTALLED)
        self.questions: list[str] = []

    def kubeconfig(self, path: Path) -> Path:
        cluster = {"server": f"http://127.0.0.1:{self.server_port}"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(document))
        return path


@contextmanager
def cluster_of(accounts: Accounts) -> Iterator[Cluster]:
    """Run the API of a cluster with these accounts for the time of the block."""
    server = Cluster(accounts)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
