"""A server of local serving as a process."""

import json
import subprocess
import time

import httpx

from kanaria.serving.local.background_server import command
from kanaria.serving.local.state import state_folder

ROWS = {"instances": [{"x": 1, "n": 2, "word": "a"}] * 3}
TIMEOUT_SECONDS = 600
"""A bound, not a measure: loading TensorFlow takes a minute where others compute too."""


def until(holds):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (value := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


class Server:
    """A server process on a state folder, as `kanaria serve` starts it."""

    def __init__(self, state, *options):
        self.state = state
        self.process = subprocess.Popen(command(state, "--seed", "7", *options))
        self.url = until(lambda: state_folder.live_url(state))

    @property
    def grpc(self):
        """Its address for gRPC."""
        return json.loads((self.state / state_folder.SERVER).read_text())["grpc"]

    def post(self, path, body, **headers):
        return httpx.post(self.url + path, json=body, headers=headers, timeout=None)

    def predict(self, body=ROWS):
        return self.post("/v1/models/flights:predict", body)

    def ready(self, service="flights"):
        return httpx.get(f"{self.url}/v1/models/{service}").json().get("ready", False)

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait()
