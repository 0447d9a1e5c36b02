"""What the runner and the warm process say to each other.

A lease is a Unix socket for the time of a run. A word on it is a letter and a number. An order
comes with four descriptors: a channel, the step's log, a file of memory with the request, and a
pipe. The warm process writes on the channel, one JSON object a line, the fork's `pid` and its own,
then the exit `code`; the runner closes the channel when it has no more use for the fork, which ends
it. The fork does nothing until the runner, which by then sees to its end, writes into the pipe.
"""

import json
import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass

STEP, KEEP, TELL = b"s", b"k", b"t"
"""Fork a step once so many stages are imported; keep for so many seconds after the last lease (0:
not any longer); tell of it."""
WORD = struct.Struct("!cQ")
LINE = 1 << 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a fork becomes.

    Attributes:
        command: program and arguments of a fresh process that does the same.
        environment: all its environment variables.
        folder: its working folder.
        umask: its umask.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    umask: int


def write(request: Request) -> int:
    """Return the descriptor of a file of memory that holds the request."""
    descriptor = os.memfd_create("request")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(json.dumps(asdict(request)).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def read(descriptor: int) -> Request:
    """Return the request that a file of memory holds, and close it."""
    with os.fdopen(descriptor, "rb") as file:
        said = json.load(file)
    return Request(**{**said, "command": tuple(said["command"])})


@dataclass(frozen=True, slots=True)
class Sent:
    """The runner's ends of an order: the channel, and the pipe that lets the fork begin."""

    channel: socket.socket
    gate: int


def send(lease: socket.socket, request: Request, log: int, stages: int) -> Sent:
    """Order a fork that writes to the descriptor `log`, once so many stages are imported.

    Raises:
        OSError: nobody is at the other end of the lease, or takes what is sent.
    """
    ours, theirs = socket.socketpair()
    their_gate, our_gate = os.pipe()
    memory = write(request)
    try:
        descriptors = [theirs.fileno(), log, memory, their_gate]
        socket.send_fds(lease, [WORD.pack(STEP, stages)], descriptors)
    except OSError:
        ours.close()
        os.close(our_gate)
        raise
    finally:
        theirs.close()
        os.close(memory)
        os.close(their_gate)
    return Sent(ours, our_gate)


def word(lease: socket.socket) -> tuple[bytes, int, list[int]] | None:
    """Return the next word on a lease and the descriptors that came with it, None at its end."""
    flags = socket.MSG_WAITALL | socket.MSG_CMSG_CLOEXEC
    try:
        said, descriptors, _, _ = socket.recv_fds(lease, WORD.size, 4, flags)
    except ConnectionResetError:
        return None
    if len(said) < WORD.size:
        return None
    letter, number = WORD.unpack(said)
    return letter, number, list(descriptors)


def is_own(connection: socket.socket) -> bool:
    """Tell whether the process at the other end is of this user."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return bool(struct.unpack("3i", credentials)[1] == os.geteuid())


def tell(channel: socket.socket, **said: int | str) -> None:
    """Write a line on the channel; nobody may listen any more."""
    try:
        channel.sendall(json.dumps(said).encode() + b"\n")
    except OSError:
        return
