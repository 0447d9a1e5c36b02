"""Asks a predictor and logs both halves of the exchange as its revision wants it."""

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from kanaria.serving.features.lookup import Lookup, Refusal, is_predict
from kanaria.serving.local.controller.service_controller import LiveService
from kanaria.serving.local.payload_logger.event_sinks import PayloadLog
from kanaria.serving.local.payload_logger.log_rule import event_of
from kanaria.serving.local.router.predictor_client import Call, Predictors, refuse
from kanaria.serving.protocol.names import EVENT_ID_HEADER
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
        if settings is not None and is_predict(call.method, call.path):
            body = await self._lookup.joined(call.body, settings)
            if isinstance(body, Refusal):
                return refuse(body.code, body.why)
            call = replace(call, body=body)
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
