"""Feast's own feature server, as a process."""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from feature_repos import FEAST, Repo


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(repo: Repo) -> Iterator[str]:
    """Run `feast serve` on a free port; yield its URL."""
    port = free_port()
    command = [str(FEAST), "serve", "-h", "127.0.0.1", "-p", str(port)]
    with (repo.folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=repo.folder, stdout=log, stderr=log)
    try:
        for _ in range(1200):
            assert server.poll() is None, (repo.folder / "server.log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def online(url: str, service: str, drivers: list[int]) -> dict[str, Any]:
    """Return what the server answers for some drivers."""
    body = json.dumps({"feature_service": service, "entities": {"driver_id": drivers}}).encode()
    request = urllib.request.Request(f"{url}/get-online-features", body, method="POST")
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
