"""Starts an S3 server in memory, for models that real pods download."""

import sys

from control_plane.layout import NODE_ADDRESS
from control_plane.processes import answers, start, wait

_PORT = 9000
URL = f"http://{NODE_ADDRESS}:{_PORT}"


def start_object_store() -> None:
    """Start moto's server; it takes any credentials."""
    flags = ["-m", "moto.server", "--host", NODE_ADDRESS, "--port", str(_PORT)]
    start("object-store", flags, program=sys.executable)
    wait("object-store", lambda: answers(URL))
