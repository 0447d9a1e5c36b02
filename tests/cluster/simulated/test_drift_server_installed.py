"""A cluster takes the drift server's manifests, where pods are restricted too."""

import shutil
from pathlib import Path

import pytest
import yaml
from accounts import MANIFESTS, kubectl
from inference_services import InferenceServices, wait_until

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@pytest.mark.parametrize(
    ("components", "replicas", "volumes"),
    [
        (["drift-server"], 1, 1),
        (["drift-server", "drift-server-postgresql"], 2, 0),
        (["drift-server", "drift-server-postgresql", "drift-watch"], 2, 0),
        (["drift-server", "drift-watch", "drift-token"], 1, 1),
    ],
    ids=["sqlite", "postgresql", "watching", "token"],
)
def test_the_pods_of_the_drift_server_are_made(
    services: InferenceServices,
    tmp_path: Path,
    components: list[str],
    replicas: int,
    volumes: int,
) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    overlay = tmp_path / "manifests/overlay/kustomization.yaml"
    overlay.parent.mkdir()
    parts = [f"../components/{name}" for name in components]
    overlay.write_text(yaml.safe_dump({"namespace": services.namespace, "components": parts}))
    kubectl("label", "namespace", services.namespace, RESTRICTED)
    kubectl("apply", "-k", overlay.parent)

    def names(kind: str) -> list[str]:
        return kubectl("get", kind, "--namespace", services.namespace, "-o", "name").split()

    def made() -> bool:
        return len([name for name in names("pods") if "kanaria-drift" in name]) == replicas

    wait_until(made, lambda: kubectl("describe", "replicasets", "-n", services.namespace))
    assert len(names("persistentvolumeclaims")) == volumes
