"""Requests a second of the local server beside KServe's Python server, in turns.

Both answer V1 requests of one row with the same SavedModel; eight clients ask again as soon as
they are answered. Ours goes through its weighted router to a predictor's process, as a canary
would; KServe's server is the predictor alone, on one machine there is no router before it.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
from whole_pipeline import ENVIRONMENT, KANARIA

from kanaria.serving.local.state import state_folder

CLIENTS = 8
SECONDS = 5.0
FEATURES = 8
BODY = json.dumps({"instances": [[0.5] * FEATURES]})
HEADERS = {"Content-Type": "application/json"}
PATH = "/v1/models/bench:predict"
MANIFEST = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {{name: bench}}
spec:
  predictor:
    model: {{modelFormat: {{name: tensorflow}}, storageUri: {uri}}}
"""
MODEL = """
import sys, tensorflow as tf
class Dense(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(tf.ones(({features}, 1)))
    @tf.function(input_signature=[tf.TensorSpec([None, {features}], tf.float32, "x")])
    def call(self, x):
        return {{"score": tf.linalg.matmul(x, self.weights)}}
model = Dense()
tf.saved_model.save(model, sys.argv[1], signatures={{"serving_default": model.call}})
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _started(*command: str | Path) -> Iterator[None]:
    process = subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _until_answered(url: str) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            if httpx.post(url + PATH, content=BODY, timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            pass  # It does not listen yet.
        time.sleep(0.2)
    sys.exit(f"{url} does not answer")


async def _client(url: str, until: float, taken: list[float]) -> None:
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < until:
            began = time.perf_counter()
            async with session.post(url + PATH, data=BODY, headers=HEADERS) as answer:
                await answer.read()
                answer.raise_for_status()
            taken.append(time.perf_counter() - began)


async def _measured(url: str) -> dict[str, float]:
    """Return requests a second and latencies in milliseconds of a few seconds of asking."""
    taken: list[float] = []
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(_client(url, until, taken) for _ in range(CLIENTS)))
    middle, late = np.quantile(taken, [0.5, 0.99]) * 1000
    return {
        "requests_per_second": round(len(taken) / SECONDS),
        "p50_ms": round(float(middle), 2),
        "p99_ms": round(float(late), 2),
    }


def compared(rounds: int, folder: Path) -> dict[str, Any]:
    """Ask both servers in turns; return the figures of every round by server."""
    model, state, port = folder / "model/1", folder / "state", _free_port()
    subprocess.run([sys.executable, "-c", MODEL.format(features=FEATURES), model], check=True)
    manifest = folder / "bench.yaml"
    manifest.write_text(MANIFEST.format(uri=model.parent.as_uri()))
    theirs = [sys.executable, Path(__file__).with_name("kserve_server.py"), model, str(port)]
    ours = [KANARIA, "serve", manifest, "--state", state, "--port", "0"]
    with _started(*theirs), _started(*ours):
        while not (url := state_folder.live_url(state)):
            time.sleep(0.1)
        urls = {"kanaria": url, "kserve": f"http://127.0.0.1:{port}"}
        for one in urls.values():
            _until_answered(one)
        by_server: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
        for _ in range(rounds):
            for name, one in urls.items():
                by_server[name].append(asyncio.run(_measured(one)))
    return by_server
