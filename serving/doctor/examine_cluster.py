"""Looks at a cluster, one subject after the other."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from kanaria.components.shared.errors import NotReadyError, ParameterError, PermissionDeniedError
from kanaria.serving.doctor import access_rights, free_gpus
from kanaria.serving.doctor.access_rights import KSERVE_NAMESPACE
from kanaria.serving.doctor.doctor_report import Finding, State
from kanaria.serving.doctor.examine_account import CHECKS as OF_ACCOUNT
from kanaria.serving.doctor.examine_account import Account, require_reviews
from kanaria.serving.kubernetes_api import resource_kinds
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic import gateways

KNATIVE_NAMESPACE = "knative-serving"
FEATURES = ("nodeselector", "tolerations", "affinity")
STORAGE_SECRET = "storage-config"  # noqa: S105  The name of a Secret, not one.
REQUEST_METRICS = "request-metrics-protocol"
GPU = "nvidia.com/gpu"
Check = Callable[[KubernetesClient, str], Finding]


def examine(
    cluster: KubernetesClient, namespace: str, account: Account | None = None
) -> list[Finding]:
    """Return what the cluster has for services in `namespace`; UNKNOWN is what may not be seen.

    Args:
        cluster: is asked.
        namespace: of the services.
        account: whose rights are judged, those that KFP needs of it too; None judges this client's.

    Raises:
        NotReadyError: the cluster does not answer.
        PermissionDeniedError: this client may not ask for another account's rights.
    """
    checks = {name: partial(check, cluster, namespace) for name, check in CHECKS.items()}
    if account is not None:
        require_reviews(cluster, account)
        for name, check in OF_ACCOUNT.items():
            checks[name] = partial(check, cluster, account, namespace)
    return [_attempt(name, check) for name, check in checks.items()]


def _attempt(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except PermissionDeniedError as error:
        return Finding(subject=subject, state=State.UNKNOWN, text=str(error))


def _finding(subject: str, state: State, text: str) -> Finding:
    return Finding(subject=subject, state=state, text=text)


def _settings(cluster: KubernetesClient, section: str) -> dict[str, Any]:
    """Return one section of KServe's configuration, or {} when it is not there."""
    config_map = cluster.get(
        resource_kinds.CONFIG_MAPS, KSERVE_NAMESPACE, "inferenceservice-config"
    )
    return dict(json.loads((config_map or {}).get("data", {}).get(section, "{}")))


def _kubernetes(cluster: KubernetesClient, _: str) -> Finding:
    return _finding("kubernetes", State.OK, cluster.version())


def _kserve(cluster: KubernetesClient, _: str) -> Finding:
    if not cluster.serves(resource_kinds.INFERENCE_SERVICES):
        return _finding("kserve", State.MISSING, "no InferenceService API; install KServe 0.20")
    mode = _settings(cluster, "deploy").get("defaultDeploymentMode", "unknown")
    manager = cluster.get(resource_kinds.DEPLOYMENTS, KSERVE_NAMESPACE, "kserve-controller-manager")
    containers = manager["spec"]["template"]["spec"]["containers"] if manager else []
    image = next((c["image"] for c in containers if c["name"] == "manager"), "version unknown")
    way = "spec.canary" if gateways.says_it_routes_canaries(cluster) else "a route of Kanaria's"
    text = (
        f"{image.rpartition(':')[2]}, default mode {mode}; in Standard mode traffic is shifted by"
    )
    return _finding("kserve", State.OK, f"{text} {way}")


def _gateway(cluster: KubernetesClient, _: str) -> Finding:
    subject = "gateway api"
    if not cluster.serves(resource_kinds.HTTP_ROUTES):
        text = "no HTTPRoute API: rollouts of services in Standard mode need it"
        return _finding(subject, State.LIMITED, text)
    if not _settings(cluster, "ingress").get("enableGatewayApi"):
        text = "installed, but KServe's ingress.enableGatewayApi is not true"
        return _finding(subject, State.LIMITED, text)
    copies = "copies requests" if _copies(cluster) else "does not say that it copies requests"
    text = f"HTTPRoute is served and used by KServe; its gateway {copies}, for strategy shadow"
    return _finding(subject, State.OK, text)


def _copies(cluster: KubernetesClient) -> bool:
    try:
        gateways.require_mirroring(cluster, gateways.gateway_of(cluster), 100)
    except (NotReadyError, ParameterError):
        return False
    return True


def _features(cluster: KubernetesClient, _: str) -> Finding:
    subject = "knative features"
    if not cluster.serves(resource_kinds.REVISIONS):
        return _finding(subject, State.LIMITED, "Knative Serving is not installed: Standard mode")
    config_map = cluster.get(resource_kinds.CONFIG_MAPS, KNATIVE_NAMESPACE, "config-features")
    data = (config_map or {}).get("data", {})
    names = [f"kubernetes.podspec-{feature}" for feature in FEATURES]
    off = [name for name in names if data.get(name, "disabled").lower() == "disabled"]
    if off:
        where = f"{KNATIVE_NAMESPACE}/config-features"
        text = f"{', '.join(off)}: set to enabled in {where} to place pods on GPU nodes"
        return _finding(subject, State.LIMITED, text)
    return _finding(subject, State.OK, "nodeSelector, tolerations and affinity are allowed")


def _metrics(cluster: KubernetesClient, _: str) -> Finding:
    subject = "knative metrics"
    if not cluster.serves(resource_kinds.REVISIONS):
        return _finding(subject, State.LIMITED, "Knative Serving is not installed: Standard mode")
    config_map = cluster.get(resource_kinds.CONFIG_MAPS, KNATIVE_NAMESPACE, "config-observability")
    if (config_map or {}).get("data", {}).get(REQUEST_METRICS) != "prometheus":
        where = f"{KNATIVE_NAMESPACE}/config-observability"
        text = f"set {REQUEST_METRICS} to prometheus in {where}: rollouts are judged by these"
        return _finding(subject, State.LIMITED, text)
    return _finding(subject, State.OK, "queue-proxies export request metrics")


def _storage(cluster: KubernetesClient, namespace: str) -> Finding:
    storage_secret = cluster.get(resource_kinds.SECRETS, namespace, STORAGE_SECRET)
    if storage_secret is None:
        text = f"no Secret {namespace}/{STORAGE_SECRET}: give a service account, or use a volume"
        return _finding("storage secret", State.LIMITED, text)
    return _finding(
        "storage secret", State.OK, f"keys: {', '.join(sorted(storage_secret.get('data', {})))}"
    )


def _rights(cluster: KubernetesClient, namespace: str) -> Finding:
    missing = access_rights.missing(cluster, access_rights.delivery(namespace))
    if missing:
        return _finding("rights", State.MISSING, missing)
    return _finding("rights", State.OK, f"this account may deliver in {namespace}")


def _gpus(cluster: KubernetesClient, _: str) -> Finding:
    nodes, pods = cluster.list(resource_kinds.NODES), cluster.list(resource_kinds.PODS)
    free_by_node = free_gpus.free(nodes, pods, GPU)
    if not free_by_node:
        return _finding("gpus", State.LIMITED, f"no node offers {GPU}")
    total = [sum(column) for column in zip(*free_by_node.values(), strict=True)]
    each = ", ".join(f"{name} {free}/{all_}" for name, (free, all_) in sorted(free_by_node.items()))
    return _finding("gpus", State.OK, f"{total[0]} of {total[1]} {GPU} free ({each})")


CHECKS: dict[str, Check] = {
    "kubernetes": _kubernetes,
    "kserve": _kserve,
    "gateway api": _gateway,
    "knative features": _features,
    "knative metrics": _metrics,
    "storage secret": _storage,
    "rights": _rights,
    "gpus": _gpus,
}
