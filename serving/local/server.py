"""The process of local serving: one port, one state folder."""

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import uvicorn
from starlette.types import ASGIApp

from kanaria.components.shared import json_log
from kanaria.components.shared.artifacts import verify_keys
from kanaria.components.shared.command_line import STOPS, Stopped
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.listen_socket import listening, url_of
from kanaria.serving.local.controller.service_controller import Controller
from kanaria.serving.local.explainer.explainer_client import Explainer
from kanaria.serving.local.router import request_bodies
from kanaria.serving.local.router.connection_bounds import IDLE_SECONDS, MOST_CONNECTIONS, bounded
from kanaria.serving.local.router.request_router import Router
from kanaria.serving.local.state import server_users, state_folder
from kanaria.serving.trace_settings import request_traces

if TYPE_CHECKING:
    from kanaria.serving.request_traces import RequestTraces

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"
OTHER_FILES = 200
"""Logs, pipes, and connections to sinks of events."""
FILES_EACH = 2
"""A connection of a client may need one to a predictor."""
USERS_SECONDS = 0.5
"""Between two looks whether a server that was started for its users has any."""
NOTHING = (
    "nothing to serve yet: push a model with `kanaria run train_and_deploy`, or name a manifest"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """What a server is told that was started for its users, see `background_server`.

    Attributes:
        lock: descriptor of the folder's lock, which was `state_folder.claimed` for it.
        spare: whether the predictors' host starts on processor time that others leave.
    """

    lock: int
    spare: bool = False


def configured(router: ASGIApp, most_connections: int = MOST_CONNECTIONS) -> uvicorn.Config:
    """Return how a router is served: within the bounds of `connection_bounds`."""
    return uvicorn.Config(
        router,
        http=bounded(most_connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=5,
    )


def serve(
    state: Path,
    port: int,
    manifests: Sequence[Path] = (),
    seed: int | None = None,
    started: Started | None = None,
    grpc_port: int | None = None,
) -> NoReturn:
    """Serve the services of a state folder on one port until SIGINT or SIGTERM.

    Args:
        state: folder that outlives the server; it is created.
        port: of the loopback address; 0 takes a free one, which `server.json` then tells.
        manifests: YAML files of InferenceServices, applied before serving: what a file says
            replaces what is applied, the canary's percentage included.
        seed: makes the router's choices repeatable.
        started: of a server that ends with its last user; None for one that a person ends.
        grpc_port: for the Open Inference Protocol over gRPC, 0 for a free one; None for none.

    Raises:
        Stopped: always, once everything has ended after SIGINT, SIGTERM or the last user.
        ParameterError: a manifest or the environment is wrong; nothing was applied.
        NotReadyError: a port is taken, or another server is live on the folder.
    """
    state = state.resolve()
    if keys := verify_keys.of_environment():
        logger.info("releases must be signed for %s", keys.name)
    most_body_bytes = request_bodies.most_bytes()
    wanted = [manifest for file in manifests for manifest in state_folder.load_manifests(file)]
    lock = started.lock if started else None
    with state_folder.served(state, lock), listening(HOST, port) as listener:
        if grpc_port is not None:
            listening(HOST, grpc_port, "--grpc-port").close()  # Before anything is applied.
        for manifest in wanted:
            state_folder.service_of(state, manifest).replace(manifest)
        signals = asyncio.run(_serve(state, listener, seed, most_body_bytes, started, grpc_port))
    if not signals:
        raise NotReadyError(f"{state}: the server ended by itself; its last lines say why")
    raise Stopped(signals[0])


def _connections(doors: int) -> int:
    """Let this process open the files it may need; return how many connections a door may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = doors * FILES_EACH * MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, min(MOST_CONNECTIONS, (soft - OTHER_FILES) // (doors * FILES_EACH)))
    return MOST_CONNECTIONS


async def _unused(state: Path, stop: Callable[[int, object], None]) -> None:
    """Stop the server when its last user has gone; until it has ended there is no new one."""
    while (unused := server_users.none_left(state)) is None:
        await asyncio.sleep(USERS_SECONDS)
    with unused:
        stop(signal.SIGTERM, None)
        await asyncio.Event().wait()


@asynccontextmanager
async def _grpc(
    router: Router,
    traces: "RequestTraces | None",
    most_body_bytes: int,
    most_connections: int,
    port: int | None,
) -> AsyncIterator[str]:
    """Serve gRPC for the block, and yield its address, "" without a port."""
    if port is None:
        yield ""
        return
    from kanaria.serving.local.router.grpc_methods import Methods
    from kanaria.serving.local.router.grpc_server import GrpcServer

    methods = Methods(router.calls, router.intake)
    if traces:
        from kanaria.serving.local.router.grpc_traces import TracedMethods

        methods = TracedMethods(router.calls, router.intake, traces)
    server = GrpcServer(methods, most_body_bytes, most_connections)
    try:
        yield await server.start(HOST, port)
    finally:
        await server.stop()


async def _serve(
    state: Path,
    listener: socket.socket,
    seed: int | None,
    most_body_bytes: int,
    started: Started | None,
    grpc_port: int | None,
) -> list[int]:
    """Serve until told to stop; return the signals that said so."""
    json_log.configure("%(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    url = url_of(listener)
    traces = request_traces("kanaria-router")
    controller = Controller(state, url, spare=bool(started and started.spare))
    explainer = Explainer(state / "explainer.log")
    router = Router(controller, seed, most_body_bytes, traces, explainer)
    most_connections = _connections(1 if grpc_port is None else 2)
    config = configured(traces.served(router) if traces else router, most_connections)
    converging = asyncio.create_task(controller.run())
    server = uvicorn.Server(config)
    signals: list[int] = []

    def stop(number: int, _: object) -> None:
        signals.append(number)
        server.should_exit = True

    # uvicorn raises a signal again once it has stopped; that must not cut the cleaning short.
    for number in STOPS:
        signal.signal(number, stop)
    converging.add_done_callback(lambda _: setattr(server, "should_exit", True))
    watching = asyncio.create_task(_unused(state, stop)) if started else None
    names = [f"{service.namespace}/{service.name}" for service in state_folder.services(state)]
    try:
        async with _grpc(router, traces, most_body_bytes, most_connections, grpc_port) as address:
            state_folder.announce(state, url, address)
            where = f"{url} and gRPC on {address}" if address else url
            logger.info("serving %s on %s: %s", state, where, ", ".join(names) or NOTHING)
            await server.serve(sockets=[listener])
    finally:
        converging.cancel()
        await controller.stop()
        await router.close()
        if watching:
            watching.cancel()
    with suppress(asyncio.CancelledError):
        await converging
    return signals
