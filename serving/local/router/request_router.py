"""One port for all services: picks a revision by its share and forwards the request to it.

    POST /v1/models/<service>:predict     POST /v2/models/<service>/infer
    POST /v1/models/<service>:explain     not counted, logged or copied: it is no answer of a model
    GET  /v1/models/<service>             GET  /v2/models/<service>, /v2/models/<service>/ready
    GET  /metrics, /                      / lists the services and their traffic
    GET  /healthz, /readyz, /v2/health/live, /v2/health/ready   for probes
    any  /revisions/<namespace>/<revision>/...   that revision only, and not counted: for tests

The header X-Kanaria-Revision of an answer names the revision it was counted against; X-Request-Id
is the client's own or a new one, and what labels are joined by. A revision whose predictor does
not answer costs its own share of requests a 503: they are not moved to another revision, which
would hide a sick canary. Copies for a shadow are sent once the original is answered. When two
namespaces have a service of one name, the Host header decides (`<service>.<namespace>`, any
suffix), and a request without it is refused.
"""

import asyncio
import random
import re
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from kanaria.serving.local.controller.service_controller import Controller, LiveService
from kanaria.serving.local.explainer.explainer_client import Explainer
from kanaria.serving.local.payload_logger.event_sinks import PayloadLog
from kanaria.serving.local.router import request_bodies, request_mirror
from kanaria.serving.local.router.logged_exchange import Exchanges
from kanaria.serving.local.router.predictor_client import Call, refuse
from kanaria.serving.local.router.request_paths import refusal
from kanaria.serving.local.router.router_health import health
from kanaria.serving.local.router.router_metrics import Metrics
from kanaria.serving.local.router.service_calls import (
    ServiceCalls,
    call_of,
    marked,
    why_not,
)
from kanaria.serving.local.router.weighted_choice import choose

if TYPE_CHECKING:
    from kanaria.serving.request_traces import RequestTraces

PATH = re.compile(r"/(?P<protocol>v[12])/models/(?P<name>[^/:]+)(?P<verb>[:/].*)?")
OWN_PATH = re.compile(r"/revisions/(?P<namespace>[^/]+)/(?P<revision>[^/]+)(?P<path>/.*)")
EXPLAIN = ":explain"
TIMEOUT_SECONDS = 60.0  # As KServe starts TensorFlow Serving.


def _as_details(live: LiveService) -> dict[str, str]:
    """Return what is wrong with a service, for whoever asks."""
    return {"fault": live.fault} if live.fault else {}


def _raw_path(request: Request) -> str:
    """Return the path as it was sent, nothing decoded."""
    return str(request.scope["raw_path"].decode("ascii"))


def _barred(request: Request, path: str) -> Response | None:
    """Return the refusal of a request that no predictor may get, or None."""
    reason = refusal(request.method, path)
    return refuse(reason.code, reason.why) if reason else None


def _call_of(request: Request, path: str, body: bytes) -> Call:
    return call_of(request.method, path, request.scope["headers"], body)


class Router:
    """The ASGI application; `seed` makes its choices repeatable.

    Attributes:
        calls: what other doors to the same services answer by.
        intake: what all doors hold of requests together.
    """

    def __init__(
        self,
        controller: Controller,
        seed: int | None = None,
        most_body_bytes: int = request_bodies.MOST_MEBIBYTES * request_bodies.MEBIBYTE,
        traces: "RequestTraces | None" = None,
        explainer: Explainer | None = None,
    ) -> None:
        """Forward for the services of `controller`; refuse larger bodies."""
        self._controller = controller
        # Draws of its own: what is explained moves no prediction to another revision.
        self._explained, self._explainer = random.Random(seed), explainer
        self._metrics = Metrics(controller)
        self.intake = request_bodies.Intake(most_body_bytes)
        self._log = PayloadLog(self._metrics.count_event)
        self._exchanges = Exchanges(self._log, TIMEOUT_SECONDS, traces)
        copies = Exchanges(self._log, request_mirror.TIMEOUT_SECONDS, traces)
        self._mirror = request_mirror.Mirror(copies, self._metrics, seed)
        self.calls = ServiceCalls(controller, self._exchanges, self._mirror, self._metrics, seed)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            try:
                response = await self._answer(Request(scope, receive))
            except request_bodies.Refused as refused:
                await refused.send(scope, receive, send)
                return
            except ClientDisconnect:
                return  # Nobody is left to answer.
            except asyncio.CancelledError:  # The server ends, and can wait no longer.
                response = refuse(503, "the server ends", connection="close")
            await response(scope, receive, send)

    async def close(self) -> None:
        """Send what is to be logged still, for a bounded time, and close all connections."""
        await self._mirror.close()
        if self._explainer is not None:
            await self._explainer.close()
        await self._exchanges.close()
        await self._log.close()

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if path == "/metrics":
            return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")
        if (answer := health(path, self._controller.current_services)) is not None:
            return answer
        if path == "/":
            return JSONResponse({"services": [_shown(live) for live in self._controller]})
        own = OWN_PATH.fullmatch(_raw_path(request))
        if own is not None:
            return await self._of_revision(request, own)
        match = PATH.fullmatch(path)
        if match is None:
            return refuse(404, f"{path}: unknown; use /v1/models/NAME:predict")
        is_explained = self._explainer is not None and match["verb"] == EXPLAIN
        if is_explained and match["protocol"] == "v1":
            return await self._serve(request, match)
        return _barred(request, _raw_path(request)) or await self._serve(request, match)

    async def _serve(self, request: Request, match: re.Match[str]) -> Response:
        live = self.calls.service(match["name"], request.headers.get("host", ""))
        if isinstance(live, Response):
            return live
        ready_path = (match["protocol"], match["verb"]) in (("v1", None), ("v2", "/ready"))
        if request.method == "GET" and ready_path:
            return JSONResponse({"name": live.name, "ready": live.answers(), **_as_details(live)})
        if match["verb"] == EXPLAIN and self._explainer is not None:
            return await self._explain(request, live, self._explainer)
        # A body that is slow or refused says nothing about any revision.
        async with self.intake.body(request) as body:
            call = _call_of(request, _raw_path(request), body)
            return await self.calls.answer(live, match["protocol"], call)

    async def _explain(self, request: Request, live: LiveService, explainer: Explainer) -> Response:
        """Explain by one revision, chosen by its share, past all that counts and logs."""
        if request.method != "POST":
            return refuse(405, f"{EXPLAIN}: {request.method} is not served; use POST")
        async with self.intake.body(request) as body:
            revision = choose(live.shares, self._explained.random())
            if not revision:
                return refuse(503, f"service {live.name!r}: {why_not(live)}")
            port = await live.awake(revision, TIMEOUT_SECONDS)
            if port is None:
                return refuse(503, f"{revision}: its predictor does not answer; ask again later")
            call = _call_of(request, _raw_path(request), body)
            answer = await explainer.ask(
                call,
                port=port,
                protocol=live.protocol(revision),
                storage_uri=live.storage_uri(revision),
            )
            return marked(answer, revision, call)

    async def _of_revision(self, request: Request, match: re.Match[str]) -> Response:
        """Forward to one revision: it answers as it is, and its users' metrics do not change."""
        namespace, revision = match["namespace"], match["revision"]
        live = self._controller.of_revision(namespace, revision)
        if live is None:
            # A server that has just started has not looked at its services yet.
            return refuse(503, f"revision {namespace}/{revision}: does not run, or not yet")
        barred = _barred(request, match["path"])
        # That a revision does not answer yet is told on any path: checks wait for it on /.
        if barred is not None and live.port(revision) is not None:
            return barred
        async with self.intake.body(request) as body:
            call = _call_of(request, match["path"], body)
            answer = await self._exchanges.ask(live, revision, call, with_features=False)
            return marked(answer, revision, call)


def _shown(live: LiveService) -> dict[str, Any]:
    return {
        "namespace": live.namespace,
        "name": live.name,
        "ready": live.answers(),
        "traffic": {share.revision: share.percent for share in live.shares},
        **_as_details(live),
    }
