"""The page's server, for browsers of this machine alone.

    GET /          the page               GET /live.js     its script
    GET /parts     its sections as JSON   GET /state.json  its numbers as JSON

403 a Host that is no name of this machine: see `kanaria.serving.http_server.access_rules`
"""

import logging
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from kanaria.serving.http_server.access_rules import Guard, Rules
from kanaria.serving.http_server.announcing_server import AnnouncingServer
from kanaria.serving.http_server.connections import BoundedProtocol
from kanaria.serving.listen_socket import listening, loopback_names, url_of
from kanaria.serving.live_page.live_document import document, script
from kanaria.serving.live_page.live_page import LivePage, Places
from kanaria.serving.live_page.page_sections import sections

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"
GRACE_SECONDS = 5
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class LiveServer:
    """The ASGI application of one page."""

    def __init__(self, page: LivePage) -> None:
        """Answer with what the page shows; `stop` is to be set before it is served."""
        self._page = page
        self.stop: partial[None] | None = None

    def application(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/", self._document),
                Route("/parts", self._parts),
                Route("/state.json", self._state),
                Route("/live.js", self._script),
            ],
            lifespan=self._lifespan,
        )

    async def _document(self, _: Request) -> Response:
        return HTMLResponse(document(sections(self._page.state())), headers=HEADERS)

    async def _parts(self, _: Request) -> Response:
        return JSONResponse(sections(self._page.state()), headers=HEADERS)

    async def _state(self, _: Request) -> Response:
        return JSONResponse(plain(asdict(self._page.state())), headers=HEADERS)

    async def _script(self, _: Request) -> Response:
        return Response(script(), media_type="text/javascript", headers=HEADERS)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self._page.looking(self._ended):
            yield

    def _ended(self) -> None:
        if self.stop:
            self.stop()


def plain(value: object) -> Any:
    """Return a value without numbers that JSON does not know: they are null."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def serve(places: Places, port: int) -> int:
    """Serve the page until SIGINT or SIGTERM.

    Args:
        places: what is looked at.
        port: of the loopback address; 0 takes a free one.

    Raises:
        NotReadyError: the port is taken.
    """
    with listening(HOST, port) as listener:
        live = LiveServer(LivePage(places))
        rules = Rules(realm="kanaria watch", loopback_names=loopback_names(listener, HOST))
        config = uvicorn.Config(
            Guard(live.application(), rules, _refused),
            http=partial(BoundedProtocol, _refused),  # type: ignore[arg-type]
            ws="none",
            access_log=False,
            proxy_headers=False,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = AnnouncingServer(config, [f"the page is {url_of(listener)}/"])
        live.stop = partial(setattr, server, "should_exit", True)
        server.run(sockets=[listener])
    return 1


def _refused(reason: str) -> None:
    logger.warning("a request was refused: %s", reason)
