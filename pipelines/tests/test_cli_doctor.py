"""`kanaria doctor` against an API server that has nothing and allows little."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

KANARIA = Path(sys.executable).with_name("kanaria")


USER = "system:serviceaccount:runs:kanaria-pipeline"
GROUPS = ["system:serviceaccounts", "system:serviceaccounts:runs", "system:authenticated"]
EMPTY = ("/version", "/api/v1/nodes", "/api/v1/pods")


class Api(BaseHTTPRequestHandler):
    """Has no nodes, no KServe and no Knative; accounts may read and not write.

    The server's `objects` has path -> object of what there is besides; `refuses` are reviews of
    others' rights.
    """

    def do_GET(self) -> None:
        objects = self.server.objects
        is_there = self.path in EMPTY or self.path in objects
        answer = objects.get(self.path, {"gitVersion": "v1.34.4", "items": []})
        self._answer(200 if is_there else 404, answer)

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        spec = review["spec"]
        if "user" in spec and self.server.refuses:
            return self._answer(403, {"kind": "Status", "message": "subjectaccessreviews: no"})
        assert self.path.rpartition("/")[2].startswith(review["kind"].lower())
        verb = spec["resourceAttributes"]["verb"]
        allowed = verb in ("get", "list")
        if "user" in spec:
            assert (spec["user"], spec["groups"]) == (USER, GROUPS)
            allowed = verb != "patch"
        return self._answer(201, {"status": {"allowed": allowed}})

    def _answer(self, code: int, document: dict[str, object]) -> None:
        text = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


CONTEXT = {"cluster": "c", "user": "u", "namespace": "own"}


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.objects: dict[str, dict[str, Any]] = {}
        self.refuses = False


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def kubeconfig(tmp_path: Path, server: Server) -> Iterator[Path]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "test", "context": CONTEXT}],
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
        "events": ["create", "patch"],
    }


@pytest.mark.parametrize("options", [(), ("--context", "other")])
def test_without_a_cluster_there_is_one_clear_error(tmp_path: Path, options: tuple[str, ...]):
    done = doctor(tmp_path / "absent", *options)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "run in a pod, or set KUBECONFIG" in done.stderr


def test_without_a_namespace_it_is_the_contexts(kubeconfig: Path):
    assert "add to a Role in own: [{apiGroups:" in doctor(kubeconfig).stdout


NAMED = ("--namespace", "team", "--service-account", "runs:kanaria-pipeline")
RUNS = "/api/v1/namespaces/runs"
LAUNCHER = {
    "data": {
        "defaultPipelineRoot": "s3://bucket/artifacts",
        "providers": "s3: {default: {credentials: {secretRef: {secretName: kanaria-store, "
        "accessKeyKey: AWS_ACCESS_KEY_ID, secretKeyKey: AWS_SECRET_ACCESS_KEY}}}}",
    }
}
KFP = {
    "/apis/argoproj.io/v1alpha1": {"resources": [{"name": "workflows"}]},
    f"{RUNS}/serviceaccounts/kanaria-pipeline": {},
    f"{RUNS}/configmaps/kfp-launcher": LAUNCHER,
    f"{RUNS}/secrets/kanaria-store": {"data": {"AWS_ACCESS_KEY_ID": "aQ=="}},
}


def lines_of(kubeconfig: Path, *options: str) -> dict[str, str]:
    done = doctor(kubeconfig, *options)
    assert done.returncode == 1, done.stderr
    return {line[:16].strip(): line[18:] for line in done.stdout.splitlines()}


def test_the_rights_of_a_named_account_are_judged_and_not_the_callers(
    kubeconfig: Path, server: Server
):
    server.objects = KFP
    lines = lines_of(kubeconfig, *NAMED)
    assert lines["account"] == "ok       ServiceAccount runs/kanaria-pipeline"
    # It may do all but patch, where the caller may only read.
    _, _, text = lines["rights"].partition("missing  add to a Role in team: ")
    missing = {rule["resources"][0]: rule["verbs"] for rule in yaml.safe_load(text)}
    assert missing == {"inferenceservices": ["patch"], "httproutes": ["patch"], "events": ["patch"]}
    assert lines["kfp rights"] == (
        "missing  add to a Role in runs: "
        "[{apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [patch]}]"
    )


def test_the_store_of_the_runs_is_looked_at_with_its_secret(kubeconfig: Path, server: Server):
    server.objects = KFP
    lines = lines_of(kubeconfig, *NAMED)
    assert lines["kfp store"] == (
        "missing  Secret runs/kanaria-store has no value for AWS_SECRET_ACCESS_KEY"
    )
    keys = {"AWS_ACCESS_KEY_ID": "aQ==", "AWS_SECRET_ACCESS_KEY": "aQ=="}
    server.objects = {**KFP, f"{RUNS}/secrets/kanaria-store": {"data": keys}}
    lines = lines_of(kubeconfig, *NAMED)
    assert (
        lines["kfp store"]
        == "ok       pipeline root s3://bucket/artifacts, by Secret kanaria-store"
    )


@pytest.mark.parametrize(
    ("path", "check", "line"),
    [
        (f"{RUNS}/serviceaccounts/kanaria-pipeline", "account", "there is no ServiceAccount runs/"),
        (f"{RUNS}/secrets/kanaria-store", "kfp store", "there is no Secret runs/kanaria-store"),
        (
            f"{RUNS}/configmaps/kfp-launcher",
            "kfp store",
            "there is no Secret runs/mlpipeline-minio-artifact",
        ),
    ],
)
def test_what_a_run_lacks_is_named(
    kubeconfig: Path, server: Server, path: str, check: str, line: str
):
    server.objects = {name: one for name, one in KFP.items() if name != path}
    assert lines_of(kubeconfig, *NAMED)[check].startswith(f"missing  {line}")


def test_providers_that_kfp_cannot_read_are_told(kubeconfig: Path, server: Server):
    data = {"data": {"providers": "s3: {default: {endpoint: x}}"}}
    server.objects = {**KFP, f"{RUNS}/configmaps/kfp-launcher": data}
    assert lines_of(kubeconfig, *NAMED)["kfp store"].startswith(
        "missing  ConfigMap runs/kfp-launcher: s3.default.credentials: write fromEnv: true"
    )


def test_without_kfp_there_is_no_store_to_judge(kubeconfig: Path):
    assert lines_of(kubeconfig, *NAMED)["kfp store"].startswith("limited  no Workflow API")


def test_who_may_not_ask_for_others_is_told_the_rule(kubeconfig: Path, server: Server):
    server.refuses = True
    done = doctor(kubeconfig, *NAMED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: you may not ask what {USER} may do; add to a ClusterRole of yours: "
        "[{apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], "
        "verbs: [create]}]\n"
    )


@pytest.mark.parametrize("name", ["", "Runs:x", "a:b:c", "runs:", "a b"])
def test_what_is_no_account_is_one_error(kubeconfig: Path, name: str):
    done = doctor(kubeconfig, "--service-account", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"service_account={name!r}: write NAME, or NAMESPACE:NAME" in done.stderr


def test_a_projects_workflow_asks_it_with_a_kubeconfig_from_the_environment(
    kubeconfig: Path, server: Server, tmp_path: Path
):
    server.objects = KFP
    subprocess.run([KANARIA, "init", "tips"], cwd=tmp_path, check=True, capture_output=True)
    environment = {
        **os.environ,
        "KUBECONFIG": str(tmp_path / "written"),
        "KUBECONFIG_TEXT": kubeconfig.read_text(),
        "NAMESPACE": "team",
        "SERVICE_ACCOUNT": "runs:kanaria-pipeline",
    }
    command = ["make", "kubeconfig", "doctor"]
    done = subprocess.run(
        command, cwd=tmp_path / "tips", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2  # Of make, where doctor's is 1.
    assert "ServiceAccount runs/kanaria-pipeline" in done.stdout
    assert "missing  add to a Role in team: " in done.stdout
