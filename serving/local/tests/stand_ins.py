"""A router before predictors that are told how to behave, all real HTTP servers of one process."""

import asyncio
import json
import socket
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import cast

import aiohttp
import uvicorn
from aiohttp import web

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.controller.service_controller import Controller
from kanaria.serving.local.payload_logger.log_rule import LogRule
from kanaria.serving.local.router.request_router import Router
from kanaria.serving.local.server import configured

STABLE, SHADOW = "tips-predictor-00001", "tips-predictor-00002"
BODY = {"instances": [[1, 2]]}


@dataclass
class StandIn:
    """A predictor: it answers `code`, after some seconds, once it may; dead, nobody listens."""

    code: int = 200
    seconds: float = 0.0
    hangs: bool = False
    dead: bool = False
    port: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)

    async def answer(self, request):
        self.requests.append((request.headers["X-Request-Id"], await request.read()))
        await asyncio.sleep(self.seconds)
        if self.hangs:
            await asyncio.Event().wait()
        return web.json_response({"predictions": [self.port]}, status=self.code)


@dataclass
class Runner:
    """What is counted of a predictor's process."""

    restarts: int = 0


@dataclass
class Live:
    """What the router needs to know of a service."""

    ports: dict[str, int]
    shares: tuple[RevisionTraffic, ...]
    shadow: RevisionTraffic | None = None
    rules: dict[str, LogRule] = field(default_factory=dict)
    namespace: str = "default"
    name: str = "tips"
    fault: str = ""
    stopped: bool = False
    runners: dict[str, Runner] = field(default_factory=dict)
    speaks: str = "v1"

    def port(self, revision):
        return self.ports.get(revision)

    async def awake(self, revision, _):
        return self.port(revision)

    def answers(self):
        routed = [share.revision for share in self.shares if share.percent]
        return bool(routed) and all(one in self.ports for one in routed)

    def protocol(self, _):
        return self.speaks

    def log_rule(self, revision):
        return self.rules.get(revision, LogRule())

    def features(self, _):
        return None


class Services(list[Live]):
    """The services of a router."""

    is_looked_at = True

    @property
    def current_services(self):
        return list(self) if self.is_looked_at else None

    def find(self, name):
        return [live for live in self if live.name == name]


def mirrored(percent: int) -> RevisionTraffic:
    return RevisionTraffic(revision=SHADOW, percent=percent)


@contextmanager
def listening():
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        yield listener


@asynccontextmanager
async def serving(handler):
    """Serve POST at any path; yield the port."""
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    with listening() as listener:
        await web.SockSite(runner, listener).start()
        yield listener.getsockname()[1]
        await runner.cleanup()


@asynccontextmanager
async def routing(
    services: Services, most_body_bytes: int = 1 << 20, most_connections: int = 100, traces=None
):
    """Run a router for some services; yield it and its URL."""
    router = Router(cast(Controller, services), 7, most_body_bytes, traces)
    server = uvicorn.Server(configured(router, most_connections))
    with listening() as listener:
        listener.listen(512)  # Whoever connects before the server runs waits for it.
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield router, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
            await router.close()


@asynccontextmanager
async def routed(
    live: Live,
    most_body_bytes: int = 1 << 20,
    most_connections: int = 100,
    services: Services | None = None,
):
    """Run a router for one service, or for several; yield its URL."""
    stand_in = Services([live]) if services is None else services
    async with routing(stand_in, most_body_bytes, most_connections) as (_, url):
        yield url


@asynccontextmanager
async def shadowed(shadow: StandIn, percent: int = 100, **rules: LogRule):
    """Yield a good stable predictor, the service, and the URL of a router before both."""
    stable = StandIn()
    async with serving(stable.answer) as stable.port, serving(shadow.answer) as port:
        shadow.port = port
        ports = {STABLE: stable.port, SHADOW: 9 if shadow.dead else port}
        shares = (RevisionTraffic(revision=STABLE, percent=100),)
        live = Live(ports=ports, shares=shares, shadow=mirrored(percent), rules=rules)
        async with routed(live) as url:
            yield stable, live, url


async def answer_counts(url: str, requests: int, at_once: int = 8) -> Counter[tuple[int, int]]:
    """Send requests with the ids order-0, order-1 ...; count (code, port that answered)."""
    answers: Counter[tuple[int, int]] = Counter()
    numbers = iter(range(requests))
    async with aiohttp.ClientSession() as client:

        async def work():
            for number in numbers:
                headers = {"X-Request-Id": f"order-{number}", "Ce-Id": f"mine-{number}"}
                path = f"{url}/v1/models/tips:predict"
                async with client.post(path, json=BODY, headers=headers) as answer:
                    document = json.loads(await answer.read())
                    answers[answer.status, document["predictions"][0]] += 1

        await asyncio.gather(*(work() for _ in range(at_once)))
    return answers


async def metrics(url: str) -> dict[str, float]:
    """What the router counts: name and labels -> value."""
    async with aiohttp.ClientSession() as client, client.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    rows = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


async def until(holds):
    """Wait until an asynchronous question is answered by something true; return that."""
    async with asyncio.timeout(30):
        while not (value := await holds()):
            await asyncio.sleep(0.01)
    return value
