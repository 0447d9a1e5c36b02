"""A kept warm process that imports nothing, and whose steps sleep."""

import os
import socket
import time
from pathlib import Path

from kanaria.pipelines.local.warm_process import forked_step, socket_folder
from kanaria.pipelines.local.warm_process.fork_server import Host
from kanaria.pipelines.local.warm_process.listener import Listening


def serving(listener: socket.socket, seconds: int) -> int:
    """Start one; return its id. A step of it leaves a file beside the socket, then sleeps."""
    path = Path(listener.getsockname())
    pid = os.fork()
    if pid == 0:
        ours, theirs = socket.socketpair()
        ours.close()  # No run uses it.
        listening = Listening(socket.socket(fileno=os.dup(listener.fileno())), seconds)
        fork = Host(theirs, listening).serve()
        if fork:
            forked_step.wait_for(fork.gate)
            path.with_name(f"begun-{os.getpid()}").touch()
            time.sleep(86400)
        os._exit(0)
    path.with_suffix(socket_folder.PID).write_text(str(pid))
    path.with_suffix(socket_folder.LOG).touch()  # It has imported all.
    return pid


def exit_code(pid: int) -> int | None:
    """Return how a child ends, None where it does not; ten minutes are a bound, not a measure."""
    deadline = time.monotonic() + 600
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return os.waitstatus_to_exitcode(ended[1])
