"""The spans of what a router asks and logs. Loaded only where traces are asked for."""

from dataclasses import replace

from opentelemetry.trace import SpanKind
from starlette.responses import Response

from kanaria.serving.local.payload_logger.event_sinks import PayloadLog
from kanaria.serving.local.payload_logger.log_rule import PayloadEvent
from kanaria.serving.local.router.predictor_client import Call, Predictors
from kanaria.serving.request_traces import RequestTraces, note_answer, passed_on


class TracedPredictors(Predictors):
    """Predictors with a span for each question to one, which its own span is a child of."""

    def __init__(self, timeout_seconds: float, traces: RequestTraces) -> None:
        """Open no connection yet."""
        super().__init__(timeout_seconds)
        self._traces = traces

    async def ask(self, call: Call, port: int, revision: str) -> Response:
        """Return what the predictor at a port answers, or why it does not."""
        about = {"http.request.method": call.method, "kanaria.revision": revision}
        with self._traces.span(f"{call.method} predictor", SpanKind.CLIENT, about) as span:
            for name, value in passed_on().items():
                call = call.with_header(name, value)
            response = await super().ask(call, port, revision)
            note_answer(span, response.status_code)
            return response


class TracedLog:
    """A payload log with a span for each event, which its receiver's span is a child of."""

    def __init__(self, log: PayloadLog, traces: RequestTraces) -> None:
        """Log in `log`."""
        self._log, self._traces = log, traces

    def offer(self, event: PayloadEvent) -> None:
        """Post the event some time, or drop it; return at once."""
        about = {
            "messaging.operation.type": "send",
            "messaging.message.id": event.headers["ce-id"],
            "cloudevents.event_type": event.headers["ce-type"],
            "kanaria.namespace": event.origin.namespace,
            "kanaria.service": event.origin.service,
            "kanaria.revision": event.origin.revision,
        }
        with self._traces.span("send payload event", SpanKind.PRODUCER, about):
            self._log.offer(replace(event, headers={**event.headers, **passed_on()}))
