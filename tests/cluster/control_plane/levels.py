"""What a level builds and starts, in order."""

from enum import Enum

from control_plane import (
    gateway,
    images,
    knative,
    kserve,
    kubernetes,
    mirroring_gateway,
    object_store,
    real_node,
    simulated_nodes,
)
from control_plane.binaries import CONTROL_PLANE, REAL_NODE, SIMULATED_NODES, build
from control_plane.layout import MANIFESTS
from control_plane.objects import apply, read


class Level(Enum):
    """How much is real.

    | Level | Control plane | Pods |
    |---|---|---|
    | simulated | real | by kwok: scheduled and reported as running, but not run |
    | pods | real | real, by containerd and the kubelet, on one node |
    """

    SIMULATED = "simulated"
    PODS = "pods"


def prepare(level: Level) -> None:
    """Build what the level needs and the cache lacks; the only part that needs a network."""
    build(CONTROL_PLANE)
    if level is Level.SIMULATED:
        build(SIMULATED_NODES)
    else:
        build(REAL_NODE)
        mirroring_gateway.fetch()
        images.build()


def tools(level: Level) -> tuple[str, ...]:
    """Return the programs that must be installed on this machine."""
    return (*real_node.TOOLS, *images.TOOLS) if level is Level.PODS else ()


def start(level: Level) -> None:
    """Start the level inside the sandbox that this process is in; return when it is ready."""
    simulated = level is Level.SIMULATED
    authority = kubernetes.certify()
    kubernetes.start_api()
    kubernetes.start_controllers()
    apply(
        [
            *(simulated_nodes.definitions() if simulated else mirroring_gateway.definitions()),
            *gateway.definitions(),
            *knative.definitions(),
            *kserve.definitions(),
        ]
    )
    if simulated:
        simulated_nodes.start_nodes()
    else:
        object_store.start_object_store()
        real_node.start_node()
    gateway.start_gateway()
    knative.start_knative()
    if simulated:
        kserve.start_kserve(authority)
        simulated_nodes.wait_until_ready()
    else:
        kserve.start_kserve(authority, real_node.adapt_kserve)
        apply(read([MANIFESTS / "model_server.yaml"]))
        mirroring_gateway.start_mirroring_gateway()
