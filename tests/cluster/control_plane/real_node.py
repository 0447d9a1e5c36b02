"""Starts one node that runs pods: containerd, the kubelet and kube-proxy."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from control_plane import images, processes
from control_plane.errors import ControlPlaneError
from control_plane.kserve import is_config, set_entry
from control_plane.kubernetes import NODE_KUBECONFIG
from control_plane.layout import (
    BINARIES,
    CODE,
    CONTAINERD,
    GPU_RESOURCE,
    KUBECONFIG,
    NODE_ADDRESS,
    NODE_NAME,
    POD_NETWORK,
    STATE,
)
from control_plane.objects import Manifest, kubectl
from control_plane.processes import start, wait

TOOLS = ("containerd", "ctr", "runc", "iptables", "conntrack")
GPUS = 4

_FILES = CODE / "node"
_SOCKET = STATE / "containerd.sock"
_GROUPS = Path("/sys/fs/cgroup")
_GROUP = "kanaria-test"
# The kubelet kills in its own time; a group is removed when its last process is gone.
_SWEEP_SECONDS = 30
_READY = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"


def start_node() -> None:
    """Start the node and wait until it is ready.

    It has GPUs by number only: pods may ask for them, no device is there.
    """
    _furnish()
    _fill_store()
    _start_containerd()
    start("kubelet", _kubelet_flags())
    start("kube-proxy", _proxy_flags())
    wait("kubelet", lambda: kubectl("get", "node", NODE_NAME, "-o", _READY) == "True")
    amount = {GPU_RESOURCE: str(GPUS)}
    patch = json.dumps({"status": {"capacity": amount, "allocatable": amount}})
    kubectl("patch", "node", NODE_NAME, "--subresource=status", "--type=merge", "-p", patch)


def adapt_kserve(manifest: Manifest) -> None:
    """Make KServe use the images that are here, and small requests."""
    if is_config(manifest):
        resource = {
            "cpuRequest": "50m",
            "memoryRequest": "128Mi",
            "cpuLimit": "2",
            "memoryLimit": "2Gi",
        }
        set_entry(manifest, "inferenceService", {"resource": resource})
        sidecar = {"image": images.AGENT.reference, "cpuRequest": "10m", "memoryRequest": "32Mi"}
        for entry in ("agent", "logger", "batcher"):
            set_entry(manifest, entry, sidecar)
    if manifest["kind"] == "ClusterStorageContainer":
        container = manifest["spec"]["container"]
        container.update(image=images.MODEL_SERVER.reference, command=images.INITIALIZER)


def sweep() -> None:
    """Remove the control groups of a node that has ended; the kernel keeps them otherwise."""
    deadline = time.monotonic() + _SWEEP_SECONDS
    while time.monotonic() < deadline:
        groups = [folder for root in _roots() for folder, *_ in os.walk(root, topdown=False)]
        if not groups:
            return
        for group in groups:
            # A group that still has a member is busy until the kernel has ended that, too.
            subprocess.run(["rmdir", group], stderr=subprocess.DEVNULL)
        time.sleep(processes.POLL_SECONDS)


def _roots() -> list[Path]:
    """The node's own group in every hierarchy: one in version 2, one a controller in version 1."""
    return [*_GROUPS.glob(_GROUP), *_GROUPS.glob(f"*/{_GROUP}")]


def _furnish() -> None:
    (STATE / "bin").symlink_to(BINARIES)
    (STATE / "network").mkdir()
    shutil.copy(_FILES / "network.conflist", STATE / "network")
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    for _, folder, kind, *_ in mounts:
        if kind in ("cgroup", "cgroup2") and not folder.endswith("/unified"):
            (Path(folder) / _GROUP).mkdir(exist_ok=True)


def _fill_store() -> None:
    """Import images that are new, and forget the containers of the run before.

    It is done by a containerd that serves no kubelet, which must not see either halfway.
    """
    CONTAINERD.mkdir(parents=True, exist_ok=True)
    config = STATE / "store.toml"
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    address = [f"--address={_SOCKET}", f"--state={STATE}/store"]
    flags = [f"--config={config}", f"--root={CONTAINERD}", *address]
    start("containerd-store", flags, program="containerd")
    wait("containerd-store", _answers)
    for container in _ctr("containers", "list", "-q").split():
        _ctr("containers", "rm", container)
    for image in images.ALL:
        _import(image)
    processes.stop("containerd-store")


def _import(image: images.Image) -> None:
    stamp = CONTAINERD / f"{image.name}.imported"
    if stamp.exists() and stamp.read_text() == image.key():
        return
    command = _ctr_command("images", "import", "-")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin
        image.write(process.stdin)
    if process.returncode:
        raise ControlPlaneError(f"containerd did not take the image {image.reference}")
    stamp.write_text(image.key())


def _start_containerd() -> None:
    flags = [f"--config={_FILES}/containerd.toml", f"--root={CONTAINERD}"]
    start("containerd", flags, program="containerd")
    wait("containerd", _answers)


def _answers() -> bool:
    return bool(_ctr("version"))


def _ctr(*arguments: str) -> str:
    done = subprocess.run(_ctr_command(*arguments), capture_output=True, text=True)
    if done.returncode:
        raise ControlPlaneError(f"ctr {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _ctr_command(*arguments: str) -> list[str]:
    return ["ctr", "--address", str(_SOCKET), "--namespace", "k8s.io", *arguments]


def _kubelet_flags() -> list[str]:
    return [
        f"--config={_FILES}/kubelet.yaml",
        f"--kubeconfig={NODE_KUBECONFIG}",
        f"--root-dir={STATE}/kubelet",
        f"--cert-dir={STATE}/kubelet-certificates",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_ADDRESS}",
    ]


def _proxy_flags() -> list[str]:
    return [
        f"--kubeconfig={KUBECONFIG}",
        f"--hostname-override={NODE_NAME}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={POD_NETWORK}",
        # An answer between two pods of one bridge would otherwise miss the way back.
        "--masquerade-all=true",
        "--healthz-bind-address=127.0.0.1:10256",
        "--metrics-bind-address=127.0.0.1:10249",
        # These settings are read-only outside the machine's first network namespace.
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]
