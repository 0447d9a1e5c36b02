"""The manifests as `kubectl apply -k` makes them: who may what, and in which namespace."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
ACCOUNT = "kanaria-pipeline"
SERVERS = ("rollout-controller", "drift-server", "trigger", "stream", "runs-metrics")
OWN = re.compile(r"kanaria-(rollout|drift|trigger|stream|runs)")
pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="no kubectl: it renders the manifests"
)


def rendered(folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def with_components(tmp_path: Path, overlay: str, *names: str) -> Path:
    copy = shutil.copytree(MANIFESTS, tmp_path / "manifests")
    folder = copy / overlay
    document = yaml.safe_load((folder / "kustomization.yaml").read_text())
    up = "../" * len(Path(overlay).parts)
    document["components"] = document.get("components", []) + [f"{up}components/{n}" for n in names]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(document))
    return folder


def bindings(documents: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Return (namespace, role, "namespace:account") of every binding."""
    return {
        (one["metadata"]["namespace"], one["roleRef"]["name"], f"{s['namespace']}:{s['name']}")
        for one in documents
        if one["kind"] == "RoleBinding"
        for s in one["subjects"]
    }


def accounts(documents: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in documents
        if one["kind"] == "ServiceAccount"
    }


def test_in_a_profile_account_roles_and_services_share_its_namespace():
    documents = rendered(MANIFESTS / "example")
    assert ("team", ACCOUNT) in accounts(documents)
    assert bindings(documents) == {
        ("team", "kanaria-kfp", "team:kanaria-pipeline"),
        ("team", "kanaria-pipeline", "team:kanaria-pipeline"),
        ("team", "kanaria-rollout", "team:kanaria-rollout"),
    }


def test_without_profiles_the_account_is_where_runs_are_and_may_deliver_where_services_are():
    documents = rendered(MANIFESTS / "standalone")
    assert {entry for entry in accounts(documents) if entry[1] == ACCOUNT} == {
        ("kubeflow", ACCOUNT)
    }
    assert bindings(documents) == {
        ("kubeflow", "kanaria-kfp", "kubeflow:kanaria-pipeline"),
        ("team", "kanaria-pipeline", "kubeflow:kanaria-pipeline"),
        ("team", "kanaria-rollout", "team:kanaria-rollout"),
    }


def test_a_profiles_own_account_is_bound_and_not_made(tmp_path: Path):
    documents = rendered(with_components(tmp_path, "example", "default-editor"))
    assert ("team", "kanaria-pipeline", "team:default-editor") in bindings(documents)
    assert ("team", "default-editor") not in accounts(documents)


def test_kfps_own_account_is_bound_where_the_services_are(tmp_path: Path):
    with_components(tmp_path, "standalone/services", "pipeline-runner")
    documents = rendered(tmp_path / "manifests/standalone")
    assert ("team", "kanaria-pipeline", "kubeflow:pipeline-runner") in bindings(documents)
    assert not [entry for entry in accounts(documents) if entry[1] == "pipeline-runner"]


def test_every_folder_to_apply_renders():
    for folder in ("kserve", "example", "standalone"):
        assert rendered(MANIFESTS / folder)


def test_what_watches_is_added_as_components(tmp_path: Path):
    names = ("prometheus", "alerts", "alertmanager", "dashboards")
    added = rendered(with_components(tmp_path, "example", *names))
    kinds = {one["kind"] for one in added}
    assert {"PodMonitor", "PrometheusRule", "AlertmanagerConfig"} <= kinds
    labels = {
        one["metadata"]["name"]: one["metadata"]["labels"]
        for one in added
        if one["metadata"]["name"].startswith("kanaria-dashboard-")
    }
    assert set(labels) == {f"kanaria-dashboard-{name}" for name in ("service", "drift", "rollout")}
    assert all(one == {"grafana_dashboard": "1"} for one in labels.values())


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_added_whole_where_the_services_are(tmp_path: Path, name: str):
    before = rendered(MANIFESTS / "example")
    added = [
        one for one in rendered(with_components(tmp_path, "example", name)) if one not in before
    ]
    (deployment,) = [one for one in added if one["kind"] == "Deployment"]
    assert {one["metadata"]["namespace"] for one in added} == {"team"}
    pod = deployment["spec"]["template"]
    account = pod["spec"]["serviceAccountName"]
    assert ("team", account) in accounts([*before, *added])
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {probe["httpGet"]["port"] for key, probe in container.items() if "Probe" in key} <= ports
    for service in [one for one in added if one["kind"] == "Service"]:
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for role in [one for one in added if one["kind"] == "Role"]:
        assert ("team", role["metadata"]["name"], f"team:{account}") in bindings(added)


def test_every_server_is_scraped_and_its_labels_stay(tmp_path: Path):
    documents = rendered(with_components(tmp_path, "example", "prometheus", *SERVERS))
    pods = [one["spec"]["template"] for one in documents if one["kind"] == "Deployment"]
    monitors = [
        one["spec"]
        for one in documents
        if one["kind"] == "PodMonitor" and OWN.fullmatch(one["metadata"]["name"])
    ]
    assert len(pods) == len(monitors) == len(SERVERS)
    for pod in pods:
        labels = pod["metadata"]["labels"].items()
        (monitor,) = [one for one in monitors if one["selector"]["matchLabels"].items() <= labels]
        (endpoint,) = monitor["podMetricsEndpoints"]
        ports = [port["name"] for port in pod["spec"]["containers"][0]["ports"]]
        assert (endpoint["port"], endpoint["path"]) == (ports[0], "/metrics")
        assert endpoint["honorLabels"]
