"""Asks a predictor and logs both halves of the exchange as its revision wants it."""

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_settings import FeatureSettings
from kanaria.serving.features.input_memory import InputMemory
from kanaria.serving.features.lookup import Lookup, Question, Refusal, question
from kanaria.serving.local.controller.service_controller import LiveService
from kanaria.serving.local.payload_logger.event_sinks import PayloadLog
from kanaria.serving.local.payload_logger.log_rule import event_of
from kanaria.serving.local.router.predictor_client import Call, Predictors, refuse
from kanaria.serving.protocol.annotation_names import EVENT_ID_HEADER, JSON_LENGTH_HEADER
from kanaria.serving.protocol.payload_cloud_event import Half, Kind, Origin

if TYPE_CHECKING:
    from kanaria.serving.local.router.router_traces import TracedLog
    from kanaria.serving.request_traces import RequestTraces


class Exchanges:
    """The exchanges of one router with all predictors."""

    def __init__(
        self, log: PayloadLog, timeout_seconds: float, traces: "RequestTraces | None" = None
    ) -> None:
        """Ask for answers.

        Args:
            log: takes both halves of an exchange.
            timeout_seconds: no answer is waited for longer.
            traces: of this process, None where nothing asks for any.
        """
        self._timeout = timeout_seconds
        self._log, self._predictors = _sides(log, timeout_seconds, traces)
        self._lookup = Lookup()
        self._memory = InputMemory(takes_null=True)

    async def close(self) -> None:
        """Close the connections; the log is its owner's."""
        await self._predictors.close()
        await self._lookup.close()

    async def ask(
        self, live: LiveService, revision: str, call: Call, *, with_features: bool = True
    ) -> Response:
        """Return what a revision answers, or why it does not; log it as on a cluster.

        There the agent lies before the predictor: a request that reaches no predictor is not
        logged, and a response only with code 200. What is not posted carries nothing to log.

        Args:
            live: the service.
            revision: who is asked.
            call: the request.
            with_features: whether the features of its rows are looked up first, where the
                revision says from where; else it is asked as its predictor is.
        """
        port = await live.awake(revision, self._timeout)
        if port is None:
            return refuse(503, f"{revision}: its predictor does not answer; it is being restarted")
        settings = live.features(revision) if with_features else None
        target = question(call.method, call.path) if settings is not None else None
        if settings is None or target is None:
            return await self._answer(live, revision, call, port)
        place = f"{live.namespace}/{revision}"
        joined = await self._joined(call, target, settings, port, place)
        if isinstance(joined, Refusal):
            return refuse(joined.code, joined.why)
        response = await self._answer(live, revision, joined, port)
        self._memory.note_code(place, response.status_code)
        return response

    async def _joined(
        self, call: Call, target: Question, settings: FeatureSettings, port: int, place: str
    ) -> Call | Refusal:
        """Return a request with the features of its rows."""

        async def ask() -> tuple[int, bytes]:
            look = Call(method="GET", path=target.metadata_path, headers=(), body=b"")
            answer = await self._predictors.ask(look, port, place)
            return answer.status_code, bytes(answer.body)

        async def expected() -> ExpectedInputs:
            if target.protocol == "v1":
                return ExpectedInputs()
            return await self._memory.expected(place, "v2", ask)

        length = call.header(JSON_LENGTH_HEADER)
        joined = await self._lookup.joined(target.protocol, call.body, length, settings, expected)
        if isinstance(joined, Refusal):
            return joined
        length = "" if joined.json_length is None else str(joined.json_length)
        return replace(call, body=joined.body).with_header(JSON_LENGTH_HEADER, length)

    async def _answer(self, live: LiveService, revision: str, call: Call, port: int) -> Response:
        id_ = call.header(EVENT_ID_HEADER) or str(uuid.uuid4())
        request_half = Half(kind=Kind.REQUEST, id=id_, time=time.time())
        self._record(live, revision, call, request_half, call.body)
        response = await self._predictors.ask(call, port, revision)
        if response.status_code == 200:
            response_half = Half(kind=Kind.RESPONSE, id=id_, time=time.time())
            self._record(live, revision, call, response_half, bytes(response.body))
        return response

    def _record(
        self, live: LiveService, revision: str, call: Call, half: Half, body: bytes
    ) -> None:
        rule = live.log_rule(revision)
        if call.method != "POST" or not rule.logs(half.kind):
            return
        origin = Origin(namespace=live.namespace, service=live.name, revision=revision)
        self._log.offer(event_of(rule, origin, half, headers=call.headers, body=body))


def _sides(
    log: PayloadLog, timeout_seconds: float, traces: "RequestTraces | None"
) -> "tuple[PayloadLog | TracedLog, Predictors]":
    """Return what takes events and what asks predictors; without traces nothing is between."""
    if traces is None:
        return log, Predictors(timeout_seconds)
    from kanaria.serving.local.router.router_traces import TracedLog, TracedPredictors

    return TracedLog(log, traces), TracedPredictors(timeout_seconds, traces)
