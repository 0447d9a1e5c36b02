"""The local server: router and controller in one process, for one state folder."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import httpx
import uvicorn

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.local import store
from kanaria.serving.local.controller import Controller
from kanaria.serving.local.router import Router

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise NotReadyError(f"port={port}: {error.strerror}; choose another --port") from error
    return listener


async def _serve(state: Path, listener: socket.socket) -> None:
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    controller = Controller(state, url)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits) as client:
        application = Router(controller, client).application()
        config = uvicorn.Config(application, log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        converging = asyncio.create_task(controller.run())
        store.announce(state, url)
        logger.info("serving %s at %s", state, url)
        try:
            # A controller that fails ends the server: it must not route by stale decisions.
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await asyncio.wait({serving, converging}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
        finally:
            converging.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await converging


def serve(state: Path, port: int, manifests: Sequence[Path]) -> None:
    """Apply the manifests and serve the state folder until SIGTERM or SIGINT.

    Args:
        state: folder that keeps manifests, revisions and status over restarts.
        port: TCP port on 127.0.0.1; 0 takes a free one, told by `server.json`.
        manifests: YAML files of InferenceServices to apply first; may be empty.

    Raises:
        ParameterError: a manifest is not one this server can run; nothing is applied.
        NotReadyError: the port is taken, or another server is live on the folder.
    """
    found = [manifest for path in manifests for manifest in store.load_manifests(path)]
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with store.served(state.resolve()):
        for manifest in found:
            store.apply(state.resolve(), manifest)
        with _listening(port) as listener:
            asyncio.run(_serve(state.resolve(), listener))
