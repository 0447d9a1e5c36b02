"""The accounts of runs and what they may do, as measured on Kubeflow Pipelines 2.17.0.

A run has the account that it names, else KFP's own. What an account lacks ends the run:

it lacks                                  the run
----------------------------------------  ----------------------------------------------------
itself (there is no such ServiceAccount)  fails without a task: no pod can be made
workflowtaskresults create, patch         fails at its first task (Argo's phase is Error)
secrets get                               fails at its first task ("failed to get Bucket ...")
inferenceservices get                     fails at the first task that delivers (403)
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

Right = tuple[str, str]
TOLD = {("workflowtaskresults", "create"), ("workflowtaskresults", "patch")}
STORE = {("secrets", "get")}
DELIVERY = {("inferenceservices", "get")}
DELIVERING = ("resolve-deployed", "push-model", "rollout-model")
OWN = "pipeline-runner"
"""KFP's own account of runs where there are no profiles."""


@dataclass
class Accounts:
    """Accounts of the namespace of runs, each with its rights.

    Attributes:
        rights: account -> rights.
        schedules_drop_them: as KFP 2.15 and 2.16 do (issue 13311).
    """

    rights: dict[str, set[Right]] = field(default_factory=lambda: {OWN: TOLD | STORE})
    schedules_drop_them: bool = False

    def of_run(self, body: dict[str, Any]) -> str:
        return str(body.get("service_account") or OWN)

    def of_schedule(self, body: dict[str, Any]) -> str:
        return OWN if self.schedules_drop_them else self.of_run(body)

    def failing(self, account: str, tasks: list[str]) -> dict[str, str] | None:
        """Return the tasks' states of a run that fails for its account, None for one that goes on.

        Args:
            account: of the run.
            tasks: in the order in which they run.
        """
        if account not in self.rights:
            return {}
        has = self.rights[account]
        if not has >= (TOLD | STORE):
            return {tasks[0]: "FAILED"}
        refused = [task for task in tasks if task in DELIVERING and not has >= DELIVERY]
        if not refused:
            return None
        before = tasks[: tasks.index(refused[0])]
        return {**dict.fromkeys(before, "SUCCEEDED"), refused[0]: "FAILED"}

    def apply(self, folder: Path) -> None:
        """Take in what a folder of manifests installs, as `kubectl apply -k` does."""
        documents = list(resources(folder))
        roles = {
            one["metadata"]["name"]: {
                (resource, verb)
                for rule in one["rules"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
            for one in documents
            if one["kind"] in ("Role", "ClusterRole")
        }
        for one in documents:
            if one["kind"] == "ServiceAccount":
                self.rights.setdefault(one["metadata"]["name"], set())
        for one in documents:
            if one["kind"] == "RoleBinding":
                for subject in one["subjects"]:
                    if subject["name"] in self.rights:
                        self.rights[subject["name"]] |= roles.get(one["roleRef"]["name"], set())


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a kustomization and of those that it takes in, unchanged."""
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    for path in (folder / name for name in listed):
        if path.is_dir():
            yield from resources(path)
        else:
            yield from yaml.safe_load_all(path.read_text())


class Api(BaseHTTPRequestHandler):
    """Of Kubernetes: tells which ServiceAccounts there are, in whatever namespace is asked."""

    server: "Cluster"

    def do_GET(self) -> None:
        asked = re.fullmatch(r"/api/v1/namespaces/([^/]+)/serviceaccounts/([^/]+)", self.path)
        self.server.asked.append(self.path)
        found = asked is not None and asked[2] in self.server.accounts.rights
        code = self.server.refuses or (200 if found else 404)
        text = json.dumps({"kind": "ServiceAccount" if found else "Status"}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class Cluster(ThreadingHTTPServer):
    """Attributes:
    accounts: those that there are.
    refuses: HTTP status of every answer, 0 for none.
    asked: the paths that were asked for.
    """

    def __init__(self, accounts: Accounts) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.accounts, self.refuses = accounts, 0
        self.asked: list[str] = []

    def kubeconfig(self, path: Path, namespace: str = "default") -> Path:
        cluster = {"server": f"http://127.0.0.1:{self.server_port}"}
        context = {"cluster": "c", "user": "u", "namespace": namespace}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "test", "context": context}],
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
