"""Simulated nodes and pods by kwok: scheduled by the real scheduler, run by nobody."""

from control_plane.binaries import module_folder
from control_plane.layout import KUBECONFIG, MANIFESTS, NODE_ADDRESS, SIMULATED_POD_NETWORK
from control_plane.objects import Manifest, apply, kubectl, read, rendered
from control_plane.processes import start, wait

_READY = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"


def definitions() -> list[Manifest]:
    """Return kwok's custom resource definition."""
    kwok = module_folder("kwok", "sigs.k8s.io/kwok")
    return read([kwok / "kustomize/crd/bases/kwok.x-k8s.io_stages.yaml"])


def start_nodes() -> None:
    """Start kwok and its nodes: one without GPUs, two with."""
    kwok = module_folder("kwok", "sigs.k8s.io/kwok")
    stages = rendered(kwok / "kustomize/stage/fast")
    own = ("load_failure.yaml", "waiting.yaml", "simulated_nodes.yaml")
    apply([*stages, *read([MANIFESTS / name for name in own])])
    start(
        "kwok",
        [
            f"--kubeconfig={KUBECONFIG}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--enable-crds=Stage",
            "--node-lease-duration-seconds=40",
            f"--node-ip={NODE_ADDRESS}",
            f"--cidr={SIMULATED_POD_NETWORK}",
        ],
    )


def wait_until_ready() -> None:
    """Wait until every simulated node is ready."""
    wait("kwok", lambda: set(kubectl("get", "nodes", "-o", _READY).split()) == {"True"})
