"""A drift server as a process of the node, which pods reach."""

import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from control_plane.layout import NODE_ADDRESS
from inference_services import InferenceServices, wait_until

from kanaria.serving.payload_log.exchanges import Exchange, Stream
from kanaria.serving.payload_log.open_store import open_reader

PORT = 8089


class DriftServer:
    """The real process, which pods reach at the node's address."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.url, self.store = f"http://{NODE_ADDRESS}:{PORT}", str(folder / "events.db")
        command = [sys.executable, "-P", "-m", "kanaria.serving.drift_server"]
        command += ["--store", self.store, "--host", NODE_ADDRESS, "--port", str(PORT)]
        command += options
        self.process = subprocess.Popen(command, env=os.environ)
        wait_until(self.ready)

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v2/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def exchanges(self, services: InferenceServices, version: str) -> dict[str, Exchange]:
        """The exchanges of a version by request id."""
        stream = Stream(namespace=services.namespace, service="taxi", version=version)
        with closing(open_reader(self.store)) as reader:
            return {one.request_id: one for one in reader.by_number(stream, 0, 10**9)}

    def compared(self, services: InferenceServices, since: float) -> dict[str, Any]:
        """What v1, the stable version, and v2 answered since a moment, in totals."""
        query = {
            "namespace": services.namespace,
            "service": "taxi",
            "stable": "v1",
            "canary": "v2",
            "since": datetime.fromtimestamp(since, UTC).isoformat(),
            "task": "multiclass",
        }
        answer = httpx.get(f"{self.url}/comparison", params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()
