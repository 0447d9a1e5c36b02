"""What every door to the services shares: whose call it is, who answers it, and that it counts.

A door (HTTP in `request_router`, gRPC in `grpc_methods`) takes a request off the wire and puts an
answer on it. Between the two each request is one of HTTP, drawn, logged, copied and counted alike,
so that a rollout judges the traffic of all doors together.
"""

import random
import time
import uuid
from collections.abc import Iterable

from starlette.responses import Response

from kanaria.serving.local.controller.service_controller import Controller, LiveService
from kanaria.serving.local.router.logged_exchange import Exchanges
from kanaria.serving.local.router.predictor_client import Call, forwarded, refuse
from kanaria.serving.local.router.request_mirror import Mirror
from kanaria.serving.local.router.router_metrics import Metrics
from kanaria.serving.local.router.weighted_choice import choose
from kanaria.serving.protocol.annotation_names import (
    REQUEST_ID_HEADER,
    REVISION_HEADER,
    STOP_ANNOTATION,
)

Headers = Iterable[tuple[bytes, bytes]]


def names(host: str, service: str, namespace: str) -> bool:
    """Tell whether a Host header names a service: `<service>.<namespace>`, then any labels.

    Letters of both cases are the same to DNS; a port and a dot at the end say nothing.
    """
    labels = host.strip().lower().partition(":")[0].split(".")
    return labels[:2] == [service, namespace]


def why_not(live: LiveService) -> str:
    """Say why a service has no revision that could answer."""
    if live.stopped:
        return f'it is stopped by its annotation {STOP_ANNOTATION}: "true"'
    return live.fault or "no revision is ready yet"


def call_of(method: str, path: str, headers: Headers, body: bytes) -> Call:
    """Return a request as a predictor gets it, with a request id whoever made it."""
    call = Call(method=method, path=path, headers=forwarded(list(headers)), body=body)
    request_id = call.header(REQUEST_ID_HEADER) or str(uuid.uuid4())
    return call.with_header(REQUEST_ID_HEADER, request_id)


def marked(response: Response, revision: str, call: Call) -> Response:
    """Tell the client who answered, and by which id labels are joined later."""
    response.headers[REVISION_HEADER] = revision
    response.headers[REQUEST_ID_HEADER] = call.header(REQUEST_ID_HEADER)
    return response


class ServiceCalls:
    """The calls of all services' users."""

    def __init__(
        self,
        controller: Controller,
        exchanges: Exchanges,
        mirror: Mirror,
        metrics: Metrics,
        seed: int | None = None,
    ) -> None:
        """Ask by `exchanges`, copy by `mirror`, count in `metrics`; `seed` repeats the choices."""
        self._controller, self._random = controller, random.Random(seed)
        self._exchanges, self._mirror, self._metrics = exchanges, mirror, metrics

    @property
    def current_services(self) -> list[LiveService] | None:
        """The services, None before they have been looked at once."""
        return self._controller.current_services

    def service(self, name: str, host: str) -> LiveService | Response:
        """Return the service of a name, or why there is none or several."""
        services = self._controller.find(name)
        if len(services) > 1:
            services = [one for one in services if names(host, name, one.namespace)] or services
        if not services:
            return refuse(404, f"service {name!r}: unknown; GET / lists the services")
        if len(services) > 1:
            spaces = ", ".join(sorted(service.namespace for service in services))
            why = f"service {name!r} is in several namespaces ({spaces})"
            return refuse(409, f"{why}: send the header Host (gRPC: metadata): {name}.NAMESPACE")
        return services[0]

    async def answer(
        self, live: LiveService, protocol: str, call: Call, refusal: Response | None = None
    ) -> Response:
        """Return what a revision, drawn by its share, answers; count it against this one.

        Args:
            live: the service.
            protocol: "v1" or "v2", of the call.
            call: the request, all of it there.
            refusal: what the door answers in the model's place: the request contradicts its
                protocol, which a predictor would say too.
        """
        began = time.perf_counter()
        revision = choose(live.shares, self._random.random())
        if not revision:
            return refuse(503, f"service {live.name!r}: {why_not(live)}")
        if protocol != live.protocol(revision):
            speaks = live.protocol(revision)
            why = f"service {live.name!r} speaks {speaks}, not {protocol}"
            response = refuse(404, f"{why}; its protocolVersion says which")
        elif refusal is not None:
            response = refusal
        else:
            response = await self._exchanges.ask(live, revision, call)
            self._mirror.copy(live, call)
        if call.method == "POST":  # What else is asked reaches no model, and no shadow.
            seconds, code = time.perf_counter() - began, response.status_code
            self._metrics.count(live.namespace, live.name, revision, code, seconds)
        return marked(response, revision, call)
