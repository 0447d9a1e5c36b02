"""In which namespace a service is looked for when nobody names one."""

from pathlib import Path

import pytest
import yaml

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.kubernetes_api import cluster_choice
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.cluster_choice import own_namespace
from kanaria.serving.traffic.find_traffic import LOCAL_STATE, namespace_of


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (LOCAL_STATE, "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))


@pytest.fixture
def kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    contexts = {"mine": {"namespace": "team"}, "bare": {}, "other": {"namespace": "other"}}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [
            {"name": name, "context": {"cluster": "c", "user": "u", **fields}}
            for name, fields in contexts.items()
        ],
        "current-context": "mine",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def pod(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(cluster_choice, "POD_NAMESPACE", file)


@pytest.mark.usefixtures("kubeconfig")
def test_a_named_one_is_taken():
    assert namespace_of("named") == "named"


@pytest.mark.usefixtures("kubeconfig")
def test_in_a_pod_it_is_the_pods(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "namespace"
    file.write_text("runs\n")
    pod(monkeypatch, file)
    assert namespace_of("") == "runs"
    assert own_namespace("other") == "other"


def test_a_pod_without_a_token_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pod(monkeypatch, tmp_path / "absent")
    with pytest.raises(NotReadyError, match="let the pod mount its account's token, or name the"):
        namespace_of("")


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.parametrize(
    ("context", "expected"),
    [("", "team"), ("mine", "team"), ("bare", "default"), ("other", "other")],
)
def test_outside_it_is_the_contexts_as_for_kubectl(context: str, expected: str):
    assert own_namespace(context) == expected


@pytest.mark.usefixtures("kubeconfig")
def test_on_one_machine_it_is_the_one_of_manifests_that_name_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    assert namespace_of("", str(tmp_path)) == "default"
    monkeypatch.setenv(LOCAL_STATE, str(tmp_path))
    assert namespace_of("") == "default"


@pytest.mark.parametrize("text", [None, "", "{", "kind: Config", "- 1"])
def test_a_kubeconfig_that_is_none_is_told_by_connecting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
):
    path = tmp_path / "broken"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert namespace_of("") == "default"
    with pytest.raises(NotReadyError, match="run in a pod, or set KUBECONFIG") as raised:
        KubernetesClient.connect()
    assert "\n" not in str(raised.value)
