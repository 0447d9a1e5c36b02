"""Free ports of this machine, held until they are used."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

LOOPBACK = "127.0.0.1"
SHARED = "TF_GRPC_REUSE_PORT"
"""Lets TensorFlow's server listen where another socket of the user is bound; set it to true."""


@contextmanager
def reserved(count: int) -> Iterator[list[int]]:
    """Yield free ports that nobody else is given while the block lasts.

    A socket that is bound and does not listen keeps each; TensorFlow listens beside it by `SHARED`.
    """
    with ExitStack() as stack:
        ports = []
        for _ in range(count):
            holder = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((LOOPBACK, 0))
            ports.append(holder.getsockname()[1])
        yield ports
