"""The drift server's HTTP interface, an ASGI application.

    POST /                 one payload event of KServe's logger     200 it is on the disk
    POST /labels           labels by X-Request-Id (see `label_upload`) 200 they are on the disk
    GET  /quality          a version on its labels (see `judge_window`) 200 JSON
    GET  /drift            each watch's newest verdicts             200 JSON
    GET  /report           what was watched, as a page              200 HTML
    GET  /labelled         how many rows got a label since a time   200 JSON
    GET  /comparison       two versions side by side, in totals     200 JSON
    GET  /disagreements    rows on which they differ, to be labelled  200 JSON
    GET  /v2/health/live, /v2/health/ready                          200, or 503
    GET  /metrics                                                   Prometheus' text format

    400 malformed, it is told why   408 too slow   413 too large   415 labels of another type
    429 too much waits   503 the store refuses   507 too many services
    401, 403 see `access_rules`

Nothing is kept of what is answered with 4xx or 5xx, nor of what an explainer asked. No
test is run before an answer.
"""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kanaria.components.shared.errors import DataError, KanariaError, ParameterError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift_server import store_gauges
from kanaria.serving.drift_server.label_upload import (
    LabelError,
    MediaTypeError,
    TooManyError,
    check_labels_type,
    read_labels,
)
from kanaria.serving.drift_server.server_metrics import Metrics
from kanaria.serving.drift_watch import watch_states
from kanaria.serving.drift_watch.verdict_routes import routes, scraped
from kanaria.serving.drift_watch.watch_states import State
from kanaria.serving.drift_watch.watching_process import Process
from kanaria.serving.http_server.access_rules import CLOSE
from kanaria.serving.http_server.upload_bodies import (
    FullError,
    Room,
    TooLargeError,
    TooSlowError,
    read_body,
)
from kanaria.serving.model_quality.judge_window import JudgeError, Query, judge, read_query
from kanaria.serving.payload_log.exchanges import Outcome, Stream
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.payload_log.retention import MOST_SERVICES
from kanaria.serving.payload_log.store_reader import Coverage
from kanaria.serving.payload_log.window_ends import span_by_time
from kanaria.serving.payload_log.write_groups import Counted, Item
from kanaria.serving.payload_log.write_queue import Intake
from kanaria.serving.protocol.annotation_names import EXPLANATION_ID
from kanaria.serving.protocol.body_limits import BoundError
from kanaria.serving.protocol.comparison_document import PATH as COMPARISON
from kanaria.serving.protocol.payload_cloud_event import EventError, read_event
from kanaria.serving.protocol.payload_columns import (
    OversizeError,
    PayloadError,
    read_columns,
    rows_of,
)
from kanaria.serving.version_comparison.comparison_question import (
    Question,
    read_limit,
    read_question,
)
from kanaria.serving.version_comparison.store_comparisons import Comparisons

logger = logging.getLogger(__name__)
EMPTY_ANSWER = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-length", b"0")],
}
UNREAD = (408, 413, 415, 429)
"""What is answered where a body may not have been read to its end."""
DUE_SECONDS = 3600.0
"""Width of the window whose coverage by labels is shown."""
MOST_STREAMS = 1000
"""Whose coverage is shown: senders name the versions, and each is a series."""
COVERAGE_SECONDS = 60.0
"""Between two looks at it."""


class CrowdedError(DataError):
    """So many services have events already that another one's are not taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """How an error is answered and counted."""

    code: int
    reason: str


REFUSALS: dict[type[KanariaError], Refusal] = {
    TooSlowError: Refusal(code=408, reason="slow"),
    BoundError: Refusal(code=413, reason="size"),
    OversizeError: Refusal(code=413, reason="size"),
    TooManyError: Refusal(code=413, reason="size"),
    MediaTypeError: Refusal(code=415, reason="labels"),
    EventError: Refusal(code=400, reason="attributes"),
    PayloadError: Refusal(code=400, reason="body"),
    LabelError: Refusal(code=400, reason="labels"),
    ParameterError: Refusal(code=400, reason="query"),
    JudgeError: Refusal(code=422, reason="query"),
    TooLargeError: Refusal(code=413, reason="size"),
    FullError: Refusal(code=429, reason="full"),
    StoreError: Refusal(code=503, reason="disk"),
    CrowdedError: Refusal(code=507, reason="services"),
}


class Receiver:
    """The ASGI application over one intake, which runs as long as its lifespan."""

    def __init__(
        self,
        location: str,
        intake: Intake,
        metrics: Metrics,
        label_delay: float,
        watching: Process | None = None,
    ) -> None:
        """Receive for `intake`, and answer from its store.

        Args:
            location: of the store.
            intake: writes the store.
            metrics: counts.
            label_delay: seconds after which most labels have come.
            watching: tests windows as long as this lives; None where another process does.
        """
        self._location, self._intake, self._metrics = location, intake, metrics
        self._label_delay, self._watching = label_delay, watching
        self._comparisons = Comparisons()
        self._room = Room()
        self._writing: asyncio.Task[None] | None = None
        self._others = Starlette(
            routes=[
                Route("/labels", self.labels, methods=["POST"]),
                Route("/quality", self.quality),
                *routes(location),
                Route(COMPARISON, self.comparison),
                Route("/disagreements", self.disagreements),
                Route("/v2/health/live", self.health),
                Route("/v2/health/ready", self.health),
                Route("/metrics", self.metrics),
            ],
            exception_handlers=dict.fromkeys(REFUSALS, self._refuse),
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; events go past the router, which would cost a third of the time."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "POST":
            await self._others(scope, receive, send)
            return
        try:
            await self._keep(scope["headers"], receive)
            await send(EMPTY_ANSWER)
            await send({"type": "http.response.body"})
        except tuple(REFUSALS) as error:
            response = await self._refuse(None, error)
            await response(scope, receive, send)
        except ClientDisconnect:
            return  # Nothing is kept of half a body, and nobody waits to hear it.

    async def _keep(self, raw_headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> None:
        began, now = time.perf_counter(), time.time()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw_headers}
        with self._room.part() as part:
            body = await read_body(receive, part)
            counted = await self._room.parsed(body, partial(_counted, headers, body, now))
            if counted.event.request_id.startswith(EXPLANATION_ID):
                return  # What an explainer asks is made of rows that nobody sent.
            (outcome,) = await self._intake.put([counted])
        if outcome is Outcome.REFUSED:
            raise CrowdedError(
                f"{counted.event.namespace}/{counted.event.service}: {MOST_SERVICES} services that "
                "nobody watches have events here already; watch it, or send theirs elsewhere"
            )
        took, kind = time.perf_counter() - began, counted.event.kind.name.lower()
        self._metrics.count_event(kind, outcome, took)

    async def labels(self, request: Request) -> Response:
        """Keep one or many labels; all of an upload or none."""
        content_type = request.headers.get("content-type", "")
        check_labels_type(content_type)  # Before its body is waited for.
        with self._room.part() as part:
            body = await read_body(request.receive, part)
            read = partial(read_labels, body, content_type, time.time())
            items: list[Item] = [*await self._room.parsed(body, read)]
            outcomes = await self._intake.put(items)
        self._metrics.count_labels(outcomes)
        became = (Outcome.NEW, Outcome.REPEATED, Outcome.EXPIRED)
        return JSONResponse({outcome.value: outcomes.count(outcome) for outcome in became})

    async def quality(self, request: Request) -> Response:
        """Judge one version on a window, beside the events that go on arriving."""
        query = read_query(request.query_params)
        return JSONResponse(await asyncio.to_thread(self._judged, query))

    async def comparison(self, request: Request) -> Response:
        """Tell in totals what two versions of a service answered."""
        question = read_question(request.query_params)
        return JSONResponse(await asyncio.to_thread(self._compared, question))

    def _compared(self, question: Question) -> dict[str, Any]:
        with contextlib.closing(open_reader(self._location)) as reader:
            return self._comparisons.totals(reader, question, time.time()).document()

    async def disagreements(self, request: Request) -> Response:
        """List rows to which two versions gave different answers and that have no label yet."""
        question, limit = read_question(request.query_params), read_limit(request.query_params)
        return JSONResponse(await asyncio.to_thread(self._apart, question, limit))

    def _apart(self, question: Question, limit: int) -> list[dict[str, Any]]:
        with contextlib.closing(open_reader(self._location)) as reader:
            return self._comparisons.wanted(reader, question, time.time(), limit)

    def _judged(self, query: Query) -> dict[str, Any]:
        with contextlib.closing(open_reader(self._location)) as reader:
            return judge(reader, query)

    async def _cover(self) -> None:
        """Show, again and again, how many rows of the newest window due for labels have one."""
        while True:
            try:
                coverages = await asyncio.to_thread(self._coverages, time.time())
            except StoreError as error:
                logger.error("the labels' coverage is not known: %s", error)
                coverages = []
            self._metrics.show_coverage(coverages)
            await asyncio.sleep(COVERAGE_SECONDS)

    def _coverages(self, now: float) -> list[tuple[Stream, Coverage]]:
        begin, end = span_by_time(now - self._label_delay - DUE_SECONDS, DUE_SECONDS)
        with contextlib.closing(open_reader(self._location)) as reader:
            streams = reader.streams()[:MOST_STREAMS]
            coverages = [(s, reader.coverage(s, begin, end)) for s in streams]
        return [(stream, coverage) for stream, coverage in coverages if coverage]

    async def health(self, request: Request) -> Response:
        """Tell whether the process works, and whether events can be written."""
        live = self._writing is not None and not self._writing.done()
        ready = live and self._intake.writes
        good = ready if request.url.path.endswith("ready") else live
        health: dict[str, Any] = {"live": live, "ready": ready}
        if self._watching:  # A broken watch is told; events go on being received.
            health["watches"] = watch_states.plain(self._watching.states)
        return JSONResponse(health, status_code=200 if good else 503)

    async def metrics(self, _: Request) -> Response:
        """Show the counters, and what was found last."""
        watching = None if self._watching is None else self._watching.alive
        states = None if self._watching is None else self._watching.states
        text = self._metrics.text(watching) + store_gauges.of_intake(self._intake)
        text += watch_states.gauges(states) if states is not None else b""
        try:
            text += await asyncio.to_thread(self._stored, states)
        except StoreError as error:  # The counters tell of it, so they are shown all the more.
            logger.error("what is in the store is not known: %s", error)
        return Response(text, media_type="text/plain; version=0.0.4")

    def _stored(self, states: Sequence[State] | None) -> bytes:
        with contextlib.closing(open_reader(self._location)) as reader:
            return store_gauges.of_store(reader) + scraped(reader, states)

    async def _refuse(self, _: Request | None, error: Exception) -> Response:
        refusal = REFUSALS[type(error)]  # type: ignore[index]  # The application maps these alone.
        self._metrics.count_refusal(refusal.reason)
        headers = {"Retry-After": "1"} if refusal.code in (429, 503) else {}
        headers |= CLOSE if refusal.code in UNREAD else {}
        return JSONResponse({"error": str(error)}, status_code=refusal.code, headers=headers)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Any) -> AsyncIterator[None]:
        # What is loaded stays; to look through it took the collector 30 ms now and then.
        gc.freeze()
        self._writing = asyncio.create_task(self._intake.run())
        beside = [asyncio.create_task(self._cover())]
        if self._watching:
            beside.append(asyncio.create_task(self._watching.run()))
        yield
        for task in beside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._intake.end()
        await self._writing
        self._intake.close()


def _counted(headers: Mapping[str, str], body: bytes, received: float) -> Counted:
    """Return the event that a request carries, with its rows."""
    event = read_event(headers, body, received)
    return Counted(event=event, rows=rows_of(read_columns(event.body)))
