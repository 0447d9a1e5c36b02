"""Forwards each request to a revision drawn by its share; counts what it answered.

A revision that does not answer costs its own share: 503, counted against it, and never sent to
another revision, since that would hide its errors from whoever judges it.
"""

import random
import time
from collections.abc import Sequence

import httpx
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from kanaria.serving.local.controller import Controller, Route

REVISION_HEADER = "X-Kanaria-Revision"
TIMEOUT_SECONDS = 60.0
LABELS = ["namespace", "service", "revision"]
FORWARDED = ("x-request-id", "inference-header-content-length")
FORM = "application/x-www-form-urlencoded"


def draw(routes: Sequence[Route], point: float) -> Route:
    """Return the route whose share holds `point`, 0 <= point < 100."""
    end = 0
    for route in routes:
        end += route.share.percent
        if point < end:
            return route
    return routes[-1]


class Router:
    """The HTTP application in front of all services."""

    def __init__(self, controller: Controller, client: httpx.AsyncClient) -> None:
        """Route by what `controller` decided, forwarding with `client`."""
        self._controller, self._client = controller, client
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kanaria_requests", "Answered requests", [*LABELS, "code"], registry=self._registry
        )
        self._seconds = Histogram(
            "kanaria_request_seconds", "Time to the answer", LABELS, registry=self._registry
        )

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Path("/", self._index),
                Path("/healthz", self._index),
                Path("/metrics", self._metrics),
                Path("/v1/models/{call}", self._forward, methods=["GET", "POST"]),
                Path("/v2/models/{call}", self._forward, methods=["GET"]),
                Path("/v2/models/{call}/{verb}", self._forward, methods=["GET", "POST"]),
            ]
        )

    async def _index(self, _: Request) -> Response:
        return JSONResponse(self._controller.statuses())

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4")

    async def _forward(self, request: Request) -> Response:
        name = request.path_params["call"].split(":", 1)[0]
        routes = self._controller.routes(name)
        if routes is None:
            return JSONResponse({"error": f"no single service is named {name!r}"}, 404)
        if not routes:
            return JSONResponse({"error": f"service {name!r} has no ready revision yet"}, 503)
        route = draw(routes, random.random() * 100)
        labels = (self._controller.namespace(name), name, route.share.revision)
        started = time.perf_counter()
        answer = await self._ask(route, request)
        self._seconds.labels(*labels).observe(time.perf_counter() - started)
        self._requests.labels(*labels, str(answer.status_code)).inc()
        answer.headers[REVISION_HEADER] = route.share.revision
        return answer

    async def _ask(self, route: Route, request: Request) -> Response:
        body = await request.body()
        if not route.predictor.ready:
            return JSONResponse({"error": f"{route.share.revision} is not answering"}, 503)
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        # TF Serving reads any body as JSON; curl calls it a form unless told otherwise.
        kind = request.headers.get("content-type", FORM)
        headers["content-type"] = "application/json" if kind == FORM else kind
        url = f"{route.predictor.url}{request.url.path}"
        try:
            answer = await self._client.request(
                request.method, url, content=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except httpx.TimeoutException:
            return JSONResponse({"error": f"{route.share.revision} took too long"}, 504)
        except httpx.HTTPError as error:
            route.predictor.lost()
            return JSONResponse({"error": f"{route.share.revision}: {error!r}"}, 503)
        media_type = answer.headers.get("content-type", "application/json")
        return Response(answer.content, answer.status_code, media_type=media_type)
