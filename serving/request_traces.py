"""Traces a request through router, predictor and payload log. Loaded only where it is asked for.

    server     what is posted to a server, or asked over gRPC; the parent is its caller, by W3C's
               traceparent
    client     the router's question to a predictor
    producer   a payload event that the router hands to the payload log; the drift server's own
               span is its child, however much later the event arrives
    consumer   a message that a stream answers: see kanaria.serving.stream.stream_traces

Names are bounded: the names of models and revisions stand in attributes alone. Source:
OpenTelemetry semantic conventions for HTTP spans and for messaging spans; W3C Trace Context.
"""

import atexit
import os
import re
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kanaria.components.shared import json_log
from kanaria.components.shared.step_images import VERSION
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, REVISION_HEADER

FLUSH_SECONDS = 3.0
"""For what is not sent yet when a process ends; a collector that is away holds nobody up longer."""
MODEL = re.compile(r"/(v[12])/models/[^/:]+(/versions/[^/:]+)?")
REVISION = re.compile(r"/revisions/[^/]+/[^/]+(?=/v[12]/models/)")
ROUTES = re.compile(
    r"(/revisions/\{revision\})?/v[12]/models/\{model\}(:predict|/infer)?|/|/labels"
)
ATTRIBUTES = {
    REQUEST_ID_HEADER.lower(): "kanaria.request_id",
    REVISION_HEADER.lower(): "kanaria.revision",
}
"""Header of a request or an answer -> attribute."""
SERVER_FAULT = 500
Headers = Iterable[tuple[bytes, bytes]]


class RequestTraces:
    """The spans of one process."""

    def __init__(self, server: str) -> None:
        """Send them to the collector that the variables name, as `server` if they name nothing."""
        named = OTELResourceDetector().detect().attributes.get("service.name", server)
        resource = Resource.create({"service.name": named, "service.version": VERSION})
        # Its own end waits for a collector that is away without bound.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("kanaria", VERSION)
        self._ending = threading.Event()
        self._flushing = threading.Thread(target=self._flush, name="traces", daemon=True)
        self._flushing.start()  # At a process' end it may be too late to start one.
        atexit.register(self.end)

    def end(self) -> None:
        """Send what is not sent yet, for a bounded time."""
        self._ending.set()
        self._flushing.join(FLUSH_SECONDS)

    def _flush(self) -> None:
        self._ending.wait()
        self._provider.force_flush()

    def end_at_sigterm(self) -> None:
        """Let SIGTERM end this process as it does without a handler, once all is sent."""

        def end(number: int, _: object) -> None:
            self.end()
            os._exit(128 + number)

        signal.signal(signal.SIGTERM, end)

    def served(self, app: ASGIApp, attributes: Mapping[str, str] | None = None) -> ASGIApp:
        """Return the application with a span for each request that is posted to it.

        Args:
            app: that answers.
            attributes: of each span.
        """

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                await app(scope, receive, send)
                return
            path = scope["path"]
            about = {"http.request.method": "POST", "url.path": path, **(attributes or {})}
            with self.answering(_name(path), about, scope["headers"]) as span:

                async def traced_send(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        note_answer(span, message["status"], message["headers"])
                    await send(message)

                await app(scope, receive, traced_send)

        return traced

    @contextmanager
    def answering(
        self, name: str, attributes: Mapping[str, str], headers: Headers
    ) -> Iterator[Span]:
        """Put a server's span around the answer to a request, and its ids into the logs of it.

        Args:
            name: of the span.
            attributes: of the span.
            headers: of the request, which tell of its caller.
        """
        parent, about = propagate.extract(_carrier(headers)), {**attributes, **_attributes(headers)}
        with (
            self._tracer.start_as_current_span(name, parent, SpanKind.SERVER, about) as span,
            json_log.fields(**_ids(span)),
        ):
            yield span

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str],
        carriers: Sequence[Mapping[str, str]] = (),
    ) -> Iterator[Span]:
        """Put a span around a block.

        Args:
            name: of the span.
            kind: of the span.
            attributes: of the span.
            carriers: headers that tell of other spans. The first of these that is sampled is the
                parent, and the span has links to the others; without any, the parent is the span
                around this.
        """
        contexts = [propagate.extract(carrier) for carrier in carriers]
        contexts.sort(key=lambda one: not _span_of(one).trace_flags.sampled)  # It is stable.
        others = {_span_of(one).span_id: _span_of(one) for one in contexts[1:]}
        with self._tracer.start_as_current_span(
            name,
            contexts[0] if contexts else None,
            kind,
            attributes,
            [Link(one) for one in others.values() if one.is_valid],
        ) as span:
            yield span

    def begin(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue],
        carrier: Mapping[str, str],
    ) -> Span:
        """Begin a span that is a child of what some headers tell of; the caller ends it."""
        return self._tracer.start_span(name, propagate.extract(carrier), kind, attributes)


def passed_on(span: Span | None = None) -> dict[str, str]:
    """Return the headers that tell a receiver of a span, by default of the one around this."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, trace.set_span_in_context(span) if span else None)
    return carrier


def _span_of(context: Context) -> SpanContext:
    return trace.get_current_span(context).get_span_context()


def _name(path: str) -> str:
    """Return a span's name: the route, as far as there is one, with no name of a model in it."""
    route = MODEL.sub(r"/\1/models/{model}", REVISION.sub("/revisions/{revision}", path))
    return f"POST {route}" if ROUTES.fullmatch(route) else "POST"


def note_answer(span: Span, code: int, headers: Headers = ()) -> None:
    """Note the code of an answer; one that is the server's fault makes the span a failed one."""
    span.set_attribute("http.response.status_code", code)
    span.set_attributes(_attributes(headers))
    if code >= SERVER_FAULT:
        span.set_status(StatusCode.ERROR)


def _carrier(headers: Headers) -> dict[str, str]:
    return {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in headers}


def _attributes(headers: Headers) -> dict[str, str]:
    carrier = _carrier(headers)
    return {name: carrier[header] for header, name in ATTRIBUTES.items() if header in carrier}


def _ids(span: Span) -> dict[str, str]:
    """Return what the logs of the block can be found by."""
    context = span.get_span_context()
    return {
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
    }
