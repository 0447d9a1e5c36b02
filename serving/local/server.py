"""The process of local serving: one port, one state folder."""

import asyncio
import logging
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.local import store
from kanaria.serving.local.controller import Controller
from kanaria.serving.local.router import Router

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"
BACKLOG = 512


def serve(state: Path, port: int, manifests: Sequence[Path] = (), seed: int | None = None) -> None:
    """Serve the services of a state folder on one port until SIGINT or SIGTERM.

    Args:
        state: folder that outlives the server; it is created.
        port: of the loopback address; 0 takes a free one, which `server.json` then tells.
        manifests: YAML files of InferenceServices, applied before serving: what a file says
            replaces what is applied, the canary's percentage included.
        seed: makes the router's choices repeatable.

    Raises:
        ParameterError: a manifest is wrong; nothing was applied.
        NotReadyError: the port is taken, or another server is live on the folder.
    """
    state = state.resolve()
    wanted = [manifest for file in manifests for manifest in store.load_manifests(file)]
    with store.served(state), _listening(port) as listener:
        for manifest in wanted:
            service = store.service_of(state, manifest)
            with service.changing():
                service.apply(manifest)
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        asyncio.run(_serve(state, listener, url, seed))


def _listening(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it answers wait 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise NotReadyError(f"port {port}: {error.strerror}; choose another by --port") from error
    listener.listen(BACKLOG)
    return listener


async def _serve(state: Path, listener: socket.socket, url: str, seed: int | None) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    controller = Controller(state, url)
    router = Router(controller, seed)
    config = uvicorn.Config(
        router, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    converging = asyncio.create_task(controller.run())
    server = uvicorn.Server(config)
    # uvicorn raises a signal again once it has stopped; that must not cut the cleaning short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    converging.add_done_callback(lambda _: setattr(server, "should_exit", True))
    store.announce(state, url)
    logger.info("serving %s on %s", state, url)
    try:
        await server.serve(sockets=[listener])
    finally:
        converging.cancel()
        await controller.stop()
        await router.close()
    with suppress(asyncio.CancelledError):
        await converging
