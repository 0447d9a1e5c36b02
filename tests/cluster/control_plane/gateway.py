"""Starts Traefik, which is both the Gateway API's gateway and Knative's ingress."""

from control_plane.binaries import module_folder
from control_plane.layout import KUBECONFIG, MANIFESTS, NODE_ADDRESS
from control_plane.objects import Manifest, apply, namespace, of_kind, read, rendered, service
from control_plane.processes import answers, start, wait

_NAMESPACE = "traefik"


def definitions() -> list[Manifest]:
    """Return the Gateway API's custom resource definitions."""
    gateway_api = module_folder("kserve", "sigs.k8s.io/gateway-api")
    return of_kind(rendered(gateway_api / "config/crd"), "CustomResourceDefinition")


def start_gateway() -> None:
    """Start Traefik on port 80 and make the gateway that KServe's routes attach to."""
    apply(
        [
            namespace(_NAMESPACE),
            namespace("kserve"),
            *service(_NAMESPACE, "traefik", [("http", 80, 80)]),
            *service("kserve", "kserve-ingress", [("http", 80, 80)]),
            *read([MANIFESTS / "gateway.yaml"]),
        ]
    )
    start("traefik", _flags(), environment={"KUBECONFIG": str(KUBECONFIG)})
    wait("traefik", lambda: answers(f"http://{NODE_ADDRESS}/ping"))


def _flags() -> list[str]:
    flags = [
        "--entrypoints.web.address=:80",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--ping=true",
        "--ping.entrypoint=web",
        "--providers.kubernetesgateway=true",
        f"--providers.kubernetesgateway.statusaddress.ip={NODE_ADDRESS}",
        "--experimental.knative=true",
        "--providers.knative=true",
    ]
    for visibility in ("public", "private"):
        flags += [
            f"--providers.knative.{visibility}entrypoints=web",
            f"--providers.knative.{visibility}service.name=traefik",
            f"--providers.knative.{visibility}service.namespace={_NAMESPACE}",
        ]
    return flags
