"""What a control plane leaves behind when it is killed; each test starts one inside this one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from inference_services import wait_until


class Sandbox:
    """A second control plane, observed from outside of it."""

    def __init__(self):
        command = [sys.executable, "-m", "control_plane", "run", "simulated", "true"]
        self.process = subprocess.Popen(command, start_new_session=True)

    def members(self) -> set[str]:
        """The programs in its namespace of processes, which is not ours."""
        names = set()
        for process in descendants(self.process.pid):
            if namespace(process) not in ("", namespace(os.getpid())):
                names.add(name(process))
        return names

    def wait_for(self, program: str) -> list[int]:
        wait_until(lambda: program in self.members() or self.process.poll() is not None)
        assert self.process.poll() is None
        return descendants(self.process.pid)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.process.kill()
    sandbox.process.wait()


def descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children")
    try:
        children_of = [int(child) for child in children.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children_of + [one for child in children_of for one in descendants(child)]


def namespace(process: int) -> str:
    try:
        return str(Path(f"/proc/{process}/ns/pid").readlink())
    except (FileNotFoundError, ProcessLookupError):
        return ""


def name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def links() -> set[str]:
    return {link for _, link in socket.if_nameindex()}


def mounts() -> list[str]:
    return sorted(Path("/proc/self/mounts").read_text().splitlines())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_process_that_started_it_is_killed(
    sandbox: Sandbox, how: signal.Signals
):
    before = (links(), mounts())
    processes = sandbox.wait_for("kube-apiserver")
    assert len(processes) > 4
    os.kill(sandbox.process.pid, how)
    sandbox.process.wait()
    wait_until(lambda: not any(name(process) for process in processes))
    assert (links(), mounts()) == before


def test_it_sees_no_process_and_no_network_but_its_own(sandbox: Sandbox):
    sandbox.wait_for("kube-apiserver")
    (inner, *_) = [one for one in descendants(sandbox.process.pid) if name(one) == "etcd"]
    here = Path(f"/proc/{os.getpid()}/ns")
    for kind in ("mnt", "net", "pid", "ipc"):
        assert Path(f"/proc/{inner}/ns/{kind}").readlink() != (here / kind).readlink()
