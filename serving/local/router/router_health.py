"""Tells probes how the server is, in the words of Kubernetes and of the Open Inference Protocol.

    GET /healthz, /v2/health/live     200 while it answers at all
    GET /readyz, /v2/health/ready     200, or 503 until every service answers that is to

A service that is stopped is not waited for, nor one whose first model is not ready yet and that
nobody could ask: what it does is in its own status.
"""

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from kanaria.serving.local.controller.service_controller import LiveService

LIVE = {"/healthz": {"status": "ok"}, "/v2/health/live": {"live": True}}
READY = ("/readyz", "/v2/health/ready")


def health(path: str, services: Sequence[LiveService] | None) -> Response | None:
    """Return the answer to a probe, None for any other path.

    Args:
        path: that is asked for.
        services: that there are, None before they have been looked at once.
    """
    if path in LIVE:
        return JSONResponse(LIVE[path])
    if path not in READY:
        return None
    silent = [f"{one.namespace}/{one.name}" for one in services or () if _is_silent(one)]
    is_ready = services is not None and not silent
    answer = {"ready": is_ready} | ({"waiting_for": silent} if silent else {})
    return JSONResponse(answer, status_code=200 if is_ready else 503)


def _is_silent(live: LiveService) -> bool:
    return bool(live.shares) and not live.answers()
