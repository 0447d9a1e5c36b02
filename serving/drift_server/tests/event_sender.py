"""A drift server as a process, and a sender of payload events at a fixed rate."""

import asyncio
import json
import random
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

TYPES = {
    "request": "org.kubeflow.serving.inference.request",
    "response": "org.kubeflow.serving.inference.response",
}


class Server:
    """The real process on a store, which may be killed and started again."""

    def __init__(self, store: str, folder: Path, *options: str) -> None:
        self.options = options
        self.store, self.log = store, folder / f"{uuid.uuid4()}.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-I", "-m", "kanaria.serving.drift_server"]
        command += ["--store", self.store, "--port", str(self.port), *self.options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log)

    def wait(self) -> None:
        while self.process.poll() is None:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/v2/health/ready").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait() == 143, self.log.read_text()

    def megabytes(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20


def headers(kind: str, id_: str, request_id: str = "", version: str = "1") -> dict[str, str]:
    """As KServe's logger sends them."""
    return {
        "ce-specversion": "1.0",
        "ce-id": id_,
        "ce-type": TYPES[kind],
        "ce-source": "http://localhost:9081/",
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-inferenceservicename": "flights",
        "ce-namespace": "models",
        "ce-component": "predictor",
        "ce-endpoint": "",
        "ce-metadata": json.dumps({"X-Request-Id": [request_id]}),
        "ce-annotations": json.dumps({"kanaria.io/model-version": version}),
        "content-type": "application/json",
    }


def request_body(rows: int, draw: random.Random) -> bytes:
    return json.dumps(
        {"instances": [[draw.random() for _ in range(18)] for _ in range(rows)]}
    ).encode()


def response_body(rows: int, draw: random.Random) -> bytes:
    return json.dumps({"predictions": [draw.random() for _ in range(rows)]}).encode()


@dataclass(frozen=True)
class Sending:
    """One event at a moment, in seconds from the start; `key` is None for a malformed one."""

    at: float
    key: tuple[str, str] | None
    wire: bytes


def wire(head: dict[str, str], body: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in head.items()]
    lines += ["host: localhost", f"content-length: {len(body)}"]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + body


def plan(rate: int, seconds: float, seed: int) -> list[Sending]:
    """5 % of the events are sent twice, 5 % up to 2 s late, 1 % are malformed."""
    draw = random.Random(seed)
    sendings: list[Sending] = []
    count = int(rate * seconds)
    while len(sendings) < count:
        id_, rows = str(uuid.UUID(int=draw.getrandbits(128))), draw.randint(1, 4)
        for kind, make in (("request", request_body), ("response", response_body)):
            at = len(sendings) / rate
            event = wire(headers(kind, id_, f"order-{id_}"), make(rows, draw))
            late = draw.uniform(0, 2) if draw.random() < 0.05 else 0
            sendings.append(Sending(at + late, (id_, kind), event))
            if draw.random() < 0.05:
                sendings.append(Sending(at + draw.uniform(0, 2), (id_, kind), event))
            if draw.random() < 0.01:
                broken = draw.choice([event[:-1] + b"!", event.replace(b"ce-id", b"ce-no")])
                sendings.append(Sending(at, None, broken))
    return sorted(sendings, key=lambda sending: sending.at)


@dataclass
class Outcomes:
    """What the sender saw."""

    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    codes: dict[int, int] = field(default_factory=dict)
    milliseconds: list[tuple[float, float]] = field(default_factory=list)
    unanswered: list[Sending] = field(default_factory=list)
    behind: float = 0.0


class Sender:
    """Sends a plan at its moments over some connections, however fast the answers come."""

    def __init__(self, port: int, connections: int, *, reconnect: bool = False) -> None:
        self._port, self._connections, self._reconnect = port, connections, reconnect
        self.outcomes = Outcomes()

    async def send(self, sendings: list[Sending]) -> None:
        """Return when all are answered or were cut off."""
        queue: asyncio.Queue[Sending | None] = asyncio.Queue()
        workers = [asyncio.create_task(self._work(queue)) for _ in range(self._connections)]
        began, first = time.perf_counter(), sendings[0].at
        for sending in sendings:
            ahead = sending.at - first - (time.perf_counter() - began)
            if ahead > 0.001:
                await asyncio.sleep(ahead)
            self.outcomes.behind = max(self.outcomes.behind, -ahead)
            queue.put_nowait(sending)
        for _ in workers:
            queue.put_nowait(None)
        await asyncio.gather(*workers)

    async def _work(self, queue: asyncio.Queue[Sending | None]) -> None:
        streams = None
        while sending := await queue.get():
            began = time.perf_counter()
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", self._port)
                streams[1].write(sending.wire)
                head = await streams[0].readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                await streams[0].readexactly(length)
            except (OSError, asyncio.IncompleteReadError):
                self.outcomes.unanswered.append(sending)
                streams = None
                await asyncio.sleep(0.02)
                continue
            self._count(sending, int(head[9:12]), (time.perf_counter() - began) * 1000)
            if self._reconnect:
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    def _count(self, sending: Sending, code: int, milliseconds: float) -> None:
        self.outcomes.codes[code] = self.outcomes.codes.get(code, 0) + 1
        self.outcomes.milliseconds.append((sending.at, milliseconds))
        if code == 200:
            assert sending.key, "a malformed event was taken"
            self.outcomes.acknowledged.add(sending.key)
