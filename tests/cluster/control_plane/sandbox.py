"""Runs a function in Linux namespaces of its own, which end with it.

Processes, mounts, network and /run belong to the sandbox. The kernel ends all of them when the
sandbox's first process ends, and that one ends with whoever started it, even by SIGKILL. So there
is no code that stops a control plane, and nothing that it could forget.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from control_plane.errors import ControlPlaneError
from control_plane.layout import LOGS, NODE_ADDRESS, STATE, TEMPORARY

_TOOLS = ("unshare", "setpriv", "ip", "mount", "sysctl")
_RESOLVER = STATE / "resolv.conf"
_VAR = STATE / "var"


def check(tools: Sequence[str] = ()) -> None:
    """Raise a ControlPlaneError when this machine cannot run a sandbox, or lacks `tools`."""
    if os.geteuid():
        raise ControlPlaneError("the control plane needs root: it makes namespaces and mounts")
    missing = [tool for tool in (*_TOOLS, *tools) if not shutil.which(tool)]
    if missing:
        raise ControlPlaneError(f"not installed: {', '.join(missing)}; see tests/cluster/README.md")


def enter(arguments: Sequence[str]) -> int:
    """Run this package again with `arguments` inside a new sandbox; return its exit status."""
    # Each of the two dies with its parent: unshare with this process, the inner one with unshare.
    namespaces = ["--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    inside = [sys.executable, "-m", "control_plane", *arguments]
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, *inside]
    with subprocess.Popen(command) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.kill())
        # The interrupt key reaches the innermost command, which decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return process.wait()


def join(first: int, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `command` inside the sandbox whose first process has this id; return its exit status."""
    namespaces = ["--mount", "--net", "--pid", "--ipc", f"--wdns={Path.cwd()}"]
    prefix = ["nsenter", "--target", str(first), *namespaces]
    return subprocess.run([*prefix, *command], env=environment).returncode


def running() -> list[int]:
    """Return the first process of every sandbox that runs on this machine, by its id here."""
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _is_first(folder)]


def _is_first(process: Path) -> bool:
    try:
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        status = (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    ids = next(line for line in status.splitlines() if line.startswith("NSpid")).split()[1:]
    # Its children are copies of it for a moment, so the name alone does not tell.
    return b"control_plane" in arguments and len(ids) > 1 and ids[-1] == "1"


def furnish() -> None:
    """Give the sandbox that this process is in its own folders, addresses and name service."""
    _do("mount", "-t", "tmpfs", "tmpfs", "/run")
    for folder in (LOGS, TEMPORARY, _VAR / "upper", _VAR / "work"):
        folder.mkdir(parents=True)
    # The kubelet and the network plugins write to fixed places below /var.
    layers = f"lowerdir=/var,upperdir={_VAR}/upper,workdir={_VAR}/work"
    _do("mount", "-t", "overlay", "overlay", "-o", layers, "/var")
    _RESOLVER.write_text(f"nameserver {NODE_ADDRESS}\noptions ndots:1 timeout:2\n")
    _do("mount", "--bind", str(_RESOLVER), str(Path("/etc/resolv.conf").resolve()))
    _do("ip", "link", "set", "lo", "up")
    # Services have addresses that no interface holds: the default route lets packets to them leave.
    _do("ip", "link", "add", "node", "type", "veth", "peer", "name", "outside")
    _do("ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", "node")
    for interface in ("node", "outside"):
        _do("ip", "link", "set", interface, "up")
    _do("ip", "route", "add", "default", "dev", "node")
    _do("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")


def reap(main: Callable[[], int]) -> int:
    """Run `main` in a child process and reap all orphans, as the first process of a system must.

    Returns:
        The exit status of `main`.
    """
    child = os.fork()
    if not child:
        os._exit(main())
    while True:
        process, status = os.wait()
        if process == child:
            return os.waitstatus_to_exitcode(status)


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ControlPlaneError(f"{' '.join(command)}: {done.stderr.strip()}")
