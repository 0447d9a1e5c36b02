"""Which cluster and namespace are meant: the pod's own, or a kubeconfig's."""

import os
from pathlib import Path

import yaml
from kubernetes import client, config

from kanaria.components.shared.errors import NotReadyError, shown

CONNECTIONS = 32
"""Kept open for threads that share a client."""
NO_KUBECONFIG = (
    config.ConfigException,
    yaml.YAMLError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)
"""What the client raises for a file that is absent, no text, no YAML, or not what it should be."""
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
USUAL_NAMESPACE = "default"
"""Of a kubeconfig's context that names none, as for kubectl."""


def _is_outside(context: str) -> bool:
    """Tell whether a kubeconfig leads to the cluster, and not the pod that this is."""
    return bool(context) or not os.environ.get("KUBERNETES_SERVICE_HOST")


def _kubeconfig() -> str:
    # The client itself reads KUBECONFIG only once, when it is imported.
    return os.environ.get("KUBECONFIG") or "~/.kube/config"


def own_namespace(context: str = "") -> str:
    """Return this pod's namespace; outside a cluster that of the kubeconfig's context.

    As for kubectl, it is "default" where the context names none, or where there is no context.

    Raises:
        NotReadyError: this is a pod that has no token of an account.
    """
    if _is_outside(context):
        try:
            contexts, active = config.list_kube_config_contexts(_kubeconfig())
        except NO_KUBECONFIG:
            return USUAL_NAMESPACE  # Whoever connects is told what is wrong with the file.
        named = [entry for entry in contexts if entry["name"] == context] or [active or {}]
        return str(named[0].get("context", {}).get("namespace") or USUAL_NAMESPACE)
    try:
        return POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotReadyError(
            f"{POD_NAMESPACE}: {error.strerror}; let the pod mount its account's token, or name "
            "the namespace"
        ) from error


def api_client(context: str = "") -> client.ApiClient:
    """Return the library's client of the cluster around this pod, else of the context's.

    Args:
        context: of the kubeconfig; "" for the pod's cluster or the current context.

    Raises:
        NotReadyError: there is neither, or the kubeconfig cannot be read.
    """
    settings = client.Configuration()
    settings.retries = False  # `repeated_requests` sends again, and keeps the reason.
    settings.connection_pool_maxsize = CONNECTIONS
    try:
        if _is_outside(context):
            config.load_kube_config(
                _kubeconfig(), context=context or None, client_configuration=settings
            )
        else:
            config.load_incluster_config(client_configuration=settings)
    except NO_KUBECONFIG as error:
        raise NotReadyError(
            f"kubernetes: {shown(str(error))}; run in a pod, or set KUBECONFIG"
        ) from error
    return client.ApiClient(settings)
