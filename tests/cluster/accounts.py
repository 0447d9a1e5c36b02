"""What the project's manifests install for a team, and its ServiceAccounts."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.find_traffic import LOCAL_STATE

ADMINISTRATOR = dict(os.environ)
"""The environment before a test takes another account."""
MANIFESTS = Path(__file__).parents[2] / "manifests"


def kubectl(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["kubectl", *arguments], env=ADMINISTRATOR, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def install(namespace: str, folder: Path, with_storage: bool = False) -> None:
    """Apply the manifests as a user does: a copy of the example that names the namespace."""
    copy = shutil.copytree(MANIFESTS, folder / "manifests", dirs_exist_ok=True)
    file = copy / "example/kustomization.yaml"
    text = file.read_text().replace("namespace: team", f"namespace: {namespace}")
    file.write_text(text.replace("# - ../storage", "- ../storage") if with_storage else text)
    kubectl("apply", "-k", copy / "kserve")
    kubectl("apply", "-k", file.parent)


class Account:
    """A ServiceAccount by a token of its own, as pods have one."""

    def __init__(self, namespace: str, name: str, folder: Path) -> None:
        config = yaml.safe_load(Path(ADMINISTRATOR["KUBECONFIG"]).read_text())
        token = kubectl("create", "token", name, "--namespace", namespace).strip()
        config["users"] = [{**user, "user": {"token": token}} for user in config["users"]]
        self.kubeconfig = folder / f"{name}.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def use(self, patch: pytest.MonkeyPatch) -> None:
        """Make it the account of this process."""
        patch.setenv("KUBECONFIG", str(self.kubeconfig))
        patch.delenv(LOCAL_STATE, raising=False)

    def client(self) -> KubernetesClient:
        with pytest.MonkeyPatch.context() as patch:
            self.use(patch)
            return KubernetesClient.connect()


def ready_pods(pods: list[dict[str, Any]]) -> int:
    """Return how many of the pods are ready."""
    conditions = [c for pod in pods for c in pod["status"].get("conditions", [])]
    return sum((c["type"], c["status"]) == ("Ready", "True") for c in conditions)
