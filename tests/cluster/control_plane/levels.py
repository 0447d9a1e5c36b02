"""What a level builds and starts, in order."""

from enum import Enum

from control_plane import gateway, knative, kserve, kubernetes, simulated_nodes
from control_plane.binaries import CONTROL_PLANE, SIMULATED_NODES, Build, build
from control_plane.objects import apply


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
    build((*CONTROL_PLANE, *SIMULATED_NODES))


def start(level: Level) -> None:
    """Start the level inside the sandbox that this process is in; return when it is ready."""
    authority = kubernetes.certify()
    kubernetes.start_api()
    kubernetes.start_controllers()
    apply(
        [
            *simulated_nodes.definitions(),
            *gateway.definitions(),
            *knative.definitions(),
            *kserve.definitions(),
        ]
    )
    simulated_nodes.start_nodes()
    gateway.start_gateway()
    knative.start_knative()
    kserve.start_kserve(authority)
    simulated_nodes.wait_until_ready()
