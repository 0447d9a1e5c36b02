"""Starts KServe's manager with its webhooks, and installs its serving runtimes."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from control_plane.binaries import module_folder
from control_plane.certificates import Authority
from control_plane.layout import CERTIFICATES, KUBECONFIG, NODE_ADDRESS, TEMPORARY
from control_plane.objects import Manifest, apply, of_kind, rendered, service
from control_plane.processes import answers, start, wait

Change = Callable[[Manifest], None]

_NAMESPACE = "kserve"
_WEBHOOK = "kserve-webhook-server-service"
_WEBHOOK_PORT = 9443
_HEALTH = f"{NODE_ADDRESS}:8083"
# The manager runs in the sandbox and its certificates come from there.
_LEFT_OUT = ("Deployment", "Certificate", "Issuer", "Service", "Secret")
_CRD = "CustomResourceDefinition"
_HOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# The webhooks must run before these are accepted.
_GUARDED = ("ClusterServingRuntime", "ClusterStorageContainer")


def definitions() -> list[Manifest]:
    """Return KServe's custom resource definitions, without conversion: there is one version."""
    kinds = of_kind(_manifests(), _CRD)
    for one in kinds:
        one["metadata"]["annotations"].pop("cert-manager.io/inject-ca-from", None)
        one["spec"].pop("conversion", None)
    return kinds


def start_kserve(authority: Authority, change: Change = lambda _manifest: None) -> None:
    """Start the manager and wait until its webhooks decide.

    Args:
        authority: whose certificate the API server trusts the webhooks by.
        change: called with each of KServe's manifests before it is applied.
    """
    manifests = [one for one in _manifests() if one["kind"] not in (*_LEFT_OUT, _CRD)]
    for one in manifests:
        _adapt(one, authority)
        change(one)
    late = of_kind(manifests, *_HOOKS, *_GUARDED)
    apply([one for one in manifests if one not in late])
    apply(service(_NAMESPACE, _WEBHOOK, [("https", 443, _WEBHOOK_PORT)]))
    _start_manager(authority)
    apply(of_kind(late, *_HOOKS))
    runtimes = of_kind(rendered(_folder() / "config/clusterresources"), *_GUARDED)
    apply([*of_kind(late, *_GUARDED), *runtimes])


def set_entry(config: Manifest, entry: str, changes: dict[str, Any]) -> None:
    """Change fields of an entry of KServe's ConfigMap; each entry is a JSON text."""
    config["data"][entry] = json.dumps({**json.loads(config["data"][entry]), **changes})


def is_config(manifest: Manifest) -> bool:
    """Tell whether this is KServe's ConfigMap."""
    name = manifest["metadata"]["name"]
    return (manifest["kind"], name) == ("ConfigMap", "inferenceservice-config")


def _folder() -> Path:
    return module_folder("kserve", "github.com/kserve/kserve")


@cache
def _manifests() -> list[Manifest]:
    return rendered(_folder() / "config/overlays/standalone/kserve")


def _adapt(manifest: Manifest, authority: Authority) -> None:
    if manifest["kind"] in _HOOKS:
        for hook in manifest["webhooks"]:
            hook["clientConfig"]["caBundle"] = authority.bundle
    if is_config(manifest):
        manifest["data"].pop("_example", None)
        set_entry(manifest, "ingress", {"enableGatewayApi": True, "disableIstioVirtualHost": True})
        set_entry(manifest, "deploy", {"defaultDeploymentMode": "Knative"})


def _start_manager(authority: Authority) -> None:
    authority.issue("kserve", common_name=_WEBHOOK, hosts=[f"{_WEBHOOK}.{_NAMESPACE}.svc"])
    # The manager has no flag for the folder: it looks below the one for temporary files.
    folder = TEMPORARY / "k8s-webhook-server" / "serving-certs"
    folder.mkdir(parents=True)
    for ending in ("crt", "key"):
        shutil.copy(CERTIFICATES / f"kserve.{ending}", folder / f"tls.{ending}")
    start(
        "kserve-manager",
        [
            f"--kubeconfig={KUBECONFIG}",
            "--metrics-addr=127.0.0.1:8084",
            f"--health-probe-addr={_HEALTH}",
            f"--webhook-port={_WEBHOOK_PORT}",
        ],
        environment={
            "POD_NAMESPACE": _NAMESPACE,
            "POD_NAME": "kserve-manager",
            "TMPDIR": str(TEMPORARY),
        },
    )
    wait("kserve-manager", lambda: answers(f"http://{_HEALTH}/readyz"))
