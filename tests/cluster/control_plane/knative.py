"""Starts Knative Serving as programs of the sandbox."""

import os
from pathlib import Path

import yaml

from control_plane.binaries import module_folder
from control_plane.layout import KUBECONFIG, MANIFESTS, NODE_ADDRESS, NODE_NAME
from control_plane.objects import Manifest, apply, kubectl, namespace, of_kind, read, service
from control_plane.processes import answers, start, wait

_NAMESPACE = "knative-serving"
_WEBHOOK_PORT = 8443
_BUNDLES = "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}"
_NETWORKING_CRDS = ("certificate", "domain-claim", "ingress", "serverlessservice")


def definitions() -> list[Manifest]:
    """Return Knative's custom resource definitions."""
    networking = module_folder("knative", "knative.dev/networking") / "config"
    return read(
        [
            *sorted((_folder() / "300-resources").glob("*.yaml")),
            module_folder("knative", "knative.dev/caching") / "config/image.yaml",
            *(networking / f"{name}.yaml" for name in _NETWORKING_CRDS),
        ]
    )


def start_knative() -> None:
    """Start Knative's webhook and, once it is trusted, everything that asks it."""
    manifests = read(sorted((_folder() / "webhooks").glob("*.yaml")))
    secrets = of_kind(manifests, "Secret")
    apply([namespace(_NAMESPACE)])
    apply([*_configuration(), *_services(), *secrets])
    _start("webhook", 8091, 8011, "--disable-ha", f"--kubeconfig={KUBECONFIG}")
    wait("knative-webhook", lambda: answers(f"https://{NODE_ADDRESS}:{_WEBHOOK_PORT}/"))
    hooks = [one for one in manifests if one["kind"] != "Secret"]
    apply(hooks)
    # The webhook's first work is to write its own certificate authority into these objects.
    wait("knative-webhook", lambda: _trusted(hooks))
    # Both bind port 8080. The controller goes on without it; the autoscaler would do nothing more.
    _start("autoscaler", 8093, 8007, f"--kubeconfig={KUBECONFIG}")
    wait("knative-autoscaler", lambda: answers(f"http://{NODE_ADDRESS}:8080/"))
    _start("controller", 8092, 8006, f"--kubeconfig={KUBECONFIG}")
    # The activator knows no flag and takes the kubeconfig from its environment.
    _start("activator", 8094, 8010)


def _folder() -> Path:
    return module_folder("knative", "knative.dev/serving") / "config/core"


def _configuration() -> list[Manifest]:
    changes = yaml.safe_load((MANIFESTS / "knative_config.yaml").read_text())
    network = module_folder("knative", "knative.dev/networking") / "config/config-network.yaml"
    maps = read([*sorted((_folder() / "configmaps").glob("*.yaml")), network])
    for one in maps:
        metadata = one["metadata"]
        metadata.setdefault("namespace", _NAMESPACE)
        # The checksum is the example's; the webhook refuses one without the other.
        metadata.get("annotations", {}).pop("knative.dev/example-checksum", None)
        one["data"].pop("_example", None)
        one["data"].update(changes.get(metadata["name"], {}))
    return maps


def _services() -> list[Manifest]:
    activator = [("http", 80, 8012), ("http2", 81, 8013), ("https", 443, 8112)]
    return [
        *service(_NAMESPACE, "webhook", [("https-webhook", 443, _WEBHOOK_PORT)]),
        *service(_NAMESPACE, "autoscaler", [("http", 8080, 8080)]),
        *service(_NAMESPACE, "activator-service", activator),
    ]


def _start(name: str, probes_port: int, profiling_port: int, *flags: str) -> None:
    """Start one of Knative's programs; in a cluster each has its own addresses, here they share."""
    environment = {
        "KUBECONFIG": str(KUBECONFIG),
        "SYSTEM_NAMESPACE": _NAMESPACE,
        "POD_NAME": name,
        "POD_IP": NODE_ADDRESS,
        "NODE_NAME": NODE_NAME,
        "CONFIG_LOGGING_NAME": "config-logging",
        "CONFIG_OBSERVABILITY_NAME": "config-observability",
        "KNATIVE_HEALTH_PROBES_PORT": str(probes_port),
        "PROFILING_PORT": str(profiling_port),
        "WEBHOOK_NAME": "webhook",
        "WEBHOOK_PORT": str(_WEBHOOK_PORT),
        # The activator demands it as its manifest sets it.
        "GOGC": os.environ.get("GOGC", "500"),
    }
    start(f"knative-{name}", flags, environment=environment)


def _trusted(hooks: list[Manifest]) -> bool:
    entries = sum(len(hook["webhooks"]) for hook in hooks)
    names = [f"{hook['kind']}/{hook['metadata']['name']}".lower() for hook in hooks]
    return len(kubectl("get", *names, "-o", _BUNDLES).split()) == entries
