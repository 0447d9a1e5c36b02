"""The spans of messages and of the requests they are asked in. Loaded only where traces are on.

consumer   a message, from its batch to its outcome; the parent is its sender, by the message's
           traceparent. The answer, or the dead letter, has this span's traceparent in its place.
client     a request to the model. A request holds rows of several traces: it is in that of its
           first row that is sampled, and has links to the other rows' spans.

Source: OpenTelemetry semantic conventions for messaging spans and for Kafka.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from kanaria.serving.request_traces import RequestTraces, note_answer, passed_on
from kanaria.serving.stream.ask_batch import BatchAsker
from kanaria.serving.stream.messages import DeadLetter, Message, Outcome
from kanaria.serving.stream.model_answers import Answer
from kanaria.serving.stream.model_client import ModelClient, Request

STATE = "tracestate"
"""It belongs to the traceparent beside it."""


class TracedModel(ModelClient):
    """The model, with a span for each request of messages to it."""

    def __init__(self, traces: RequestTraces, *arguments: Any) -> None:
        """Send nothing yet; the other arguments are those of any model's client."""
        super().__init__(*arguments)
        self._traces = traces

    def ask(self, request: Request) -> Answer:
        """Send a request and return what comes back."""
        carriers = [_carrier(row.message) for row in request.rows]
        about = {"http.request.method": "POST", "kanaria.request_id": request.id}
        with self._traces.span("POST model", SpanKind.CLIENT, about, carriers) as span:
            answer = super().ask(replace(request, headers=passed_on()))
            if answer.status:
                note_answer(span, answer.status)
            else:
                span.set_status(StatusCode.ERROR, answer.body.decode("utf-8", "replace"))
            if answer.revision:
                span.set_attribute("kanaria.revision", answer.revision)
            return answer


class TracedAsker(BatchAsker):
    """Asks for batches, with a span for each message."""

    def __init__(self, traces: RequestTraces, *arguments: Any) -> None:
        """The other arguments are those of any asker."""
        super().__init__(*arguments)
        self._traces = traces

    def outcomes(self, messages: Sequence[Message]) -> list[Outcome]:
        """Return what became of each message, in their order.

        Raises:
            StoppedError: the stream is to stop, and some have no answer yet.
        """
        spans = {message.place: self._begin(message) for message in messages}
        try:
            outcomes = super().outcomes([_inside(one, spans[one.place]) for one in messages])
            for outcome in outcomes:
                _note(spans[outcome.message.place], outcome)
            return outcomes
        finally:
            for span in spans.values():
                span.end()

    def _begin(self, message: Message) -> Span:
        about: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": message.topic,
            "messaging.destination.partition.id": str(message.partition),
            "messaging.kafka.offset": message.offset,
        }
        return self._traces.begin("process message", SpanKind.CONSUMER, about, _carrier(message))


def _carrier(message: Message) -> dict[str, str]:
    """Return the headers of a message that are text; of one name the last one counts."""
    return {name: value.decode("latin-1") for name, value in message.headers if value is not None}


def _inside(message: Message, span: Span) -> Message:
    """Return the message as the span's own: its headers tell of the span, not of the sender's."""
    own = passed_on(span)
    others = tuple(one for one in message.headers if one[0] not in {STATE, *own})
    mine = tuple((name, value.encode("latin-1")) for name, value in own.items())
    return replace(message, headers=others + mine)


def _note(span: Span, outcome: Outcome) -> None:
    if isinstance(outcome, DeadLetter):
        span.set_attribute("kanaria.reason", outcome.reason.value)
        span.set_status(StatusCode.ERROR, outcome.why)
