"""The trigger server's HTTP interface, an ASGI application.

    POST /alertmanager     Alertmanager's webhook               200 its alerts are in the store
    POST /cloudevents      one CloudEvent, binary or structured 200 it is in the store
    POST /s3               a notification of S3 or MinIO        200 its records are in the store
    POST /gcs              a push of Pub/Sub for a bucket       200 it is in the store
    POST /triggers/NAME    whoever has the token                200 the request is in the store
    GET  /triggers         the newest triggers, as JSON         200
    GET  /v2/health/live, /v2/health/ready                      200, or 503
    GET  /metrics                                               Prometheus' text format

    400 malformed, it is told why   404 no such trigger   408 too slow   413 too large
    429 too much waits to be read   503 the store refuses: send it again
    401, 403 see `kanaria.serving.http_server.access_rules`

What fits no trigger is answered with 200 as well: sending it again would change nothing. An answer
never waits for a run.
"""

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kanaria.components.shared.errors import KanariaError, ParameterError, shown
from kanaria.serving.databases.database import StoreError
from kanaria.serving.http_server.access_rules import CLOSE
from kanaria.serving.http_server.upload_bodies import (
    FullError,
    Room,
    TooLargeError,
    TooSlowError,
    read_body,
)
from kanaria.serving.protocol.body_limits import BoundError, check_json
from kanaria.serving.triggers.events import alertmanager, cloud_events, object_created, requests
from kanaria.serving.triggers.events.event import Event, EventError, Source
from kanaria.serving.triggers.intake import Intake
from kanaria.serving.triggers.trigger_metrics import TriggerMetrics
from kanaria.serving.triggers.trigger_store import TriggerStore

logger = logging.getLogger(__name__)
ROOM_BYTES = 32 << 20
"""Of all bodies that are read at once."""
MOST_LISTED = 100


class NoTriggerError(ParameterError):
    """A request names a trigger that is not in the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """How an error is answered and counted."""

    code: int
    reason: str


REFUSALS: dict[type[KanariaError], Refusal] = {
    EventError: Refusal(code=400, reason="malformed"),
    NoTriggerError: Refusal(code=404, reason="no_match"),
    TooSlowError: Refusal(code=408, reason="malformed"),
    TooLargeError: Refusal(code=413, reason="malformed"),
    BoundError: Refusal(code=413, reason="malformed"),
    FullError: Refusal(code=429, reason="full"),
    StoreError: Refusal(code=503, reason="store"),
}
AGAIN = (429, 503)
UNREAD = (408, 413, 429)
"""What is answered where a body may not have been read to its end."""
Read = Callable[[dict[str, str], bytes], list[Event]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What the application tells of beside its events.

    Attributes:
        store: of the events.
        metrics: counts.
        is_alive: tells whether what starts runs works.
    """

    store: TriggerStore
    metrics: TriggerMetrics
    is_alive: Callable[[], bool]


class TriggerServer:
    """The routes over one intake."""

    def __init__(self, intake: Intake, beside: Beside) -> None:
        """Take events in, and tell of what is beside."""
        self._intake, self._beside = intake, beside
        self._room = Room(ROOM_BYTES)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        senders: dict[Source, tuple[str, Read]] = {
            Source.ALERTMANAGER: ("/alertmanager", lambda _, body: alertmanager.read(body)),
            Source.CLOUDEVENTS: ("/cloudevents", cloud_events.read),
            Source.S3: ("/s3", lambda _, body: object_created.read_s3(body)),
            Source.GCS: ("/gcs", lambda _, body: object_created.read_pubsub(body)),
        }
        return Starlette(
            routes=[
                *(
                    Route(path, self._taking(source, read), methods=["POST"])
                    for source, (path, read) in senders.items()
                ),
                Route("/triggers/{name}", self.request, methods=["POST"]),
                Route("/triggers", self.newest),
                Route("/v2/health/live", self.health),
                Route("/v2/health/ready", self.health),
                Route("/metrics", self.metrics),
            ],
            exception_handlers={
                **dict.fromkeys(REFUSALS, self._refuse),
                ClientDisconnect: _gone,
            },
        )

    def _taking(self, source: Source, read: Read) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            return await self._take(request, source, read)

        return take

    async def _take(self, request: Request, source: Source, read: Read) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._room.part() as part:
            body = await read_body(request.receive, part)
            events = await self._room.parsed(body, partial(_read, read, headers, body))
        taken = await asyncio.to_thread(self._intake.take, source, events)
        listed = [{"trigger": one.trigger, "delivery": one.delivery.value} for one in taken]
        return JSONResponse({"triggers": listed})

    async def request(self, request: Request) -> Response:
        """Keep a person's or a program's own request."""
        name = request.path_params["name"]
        if name not in self._intake.names:
            there = ", ".join(sorted(self._intake.names))
            raise NoTriggerError(f"trigger {shown(name)}: there is none; there are {there}")
        return await self._take(
            request, Source.HTTP, lambda headers, body: [requests.read(name, headers, body)]
        )

    async def newest(self, _: Request) -> Response:
        """List the newest triggers, and what became of them."""
        rows = await asyncio.to_thread(self._beside.store.newest, MOST_LISTED)
        return JSONResponse([dataclasses.asdict(row) for row in rows])

    async def health(self, request: Request) -> Response:
        """Tell whether the process works, and whether its store answers."""
        live = self._beside.is_alive()
        ready = live and await asyncio.to_thread(self._is_ready)
        good = ready if request.url.path.endswith("ready") else live
        return JSONResponse({"live": live, "ready": ready}, status_code=200 if good else 503)

    def _is_ready(self) -> bool:
        try:
            self._beside.store.newest(1)
        except StoreError as error:
            logger.error("not ready: %s", error)
            return False
        return True

    async def metrics(self, _: Request) -> Response:
        """Show the counters, and what is in the store."""
        with contextlib.suppress(StoreError):  # The gauge of the store tells of it.
            await asyncio.to_thread(self._beside.metrics.show, self._beside.store)
        text = self._beside.metrics.text()
        return Response(text, media_type="text/plain; version=0.0.4")

    async def _refuse(self, _: Request, error: Exception) -> Response:
        refusal = REFUSALS[type(error)]  # type: ignore[index]  # The application maps these alone.
        self._beside.metrics.count_refused("", refusal.reason)
        headers = {"Retry-After": "1"} if refusal.code in AGAIN else {}
        headers |= CLOSE if refusal.code in UNREAD else {}
        return JSONResponse({"error": str(error)}, status_code=refusal.code, headers=headers)


async def _gone(_: Request, __: Exception) -> Response:
    """Answer whoever is no longer there; nothing is kept of half a body."""
    return Response(status_code=400)


def _read(read: Read, headers: dict[str, str], body: bytes) -> list[Event]:
    check_json(body)
    return read(headers, body)
