"""One request to the API server: bounded, and sent again after what may pass.

A request whose answer is lost is sent again, so a write may have been done by an attempt that
nobody heard of. No effect comes twice: such a write that is compared with a resourceVersion, or
that creates, then raises ConflictError, and the caller reads what is there.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import urllib3
from kubernetes import client

from kanaria.components.shared.errors import (
    ConflictError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
    shown,
)
from kanaria.serving.kubernetes_api.resource_kinds import Object

TIMEOUT_SECONDS = (5.0, 30.0)
"""Time-outs of one attempt: to connect, to read."""
WAITS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses between attempts; their number bounds the retries."""
LONGEST_WAIT_SECONDS = 10.0
"""Of a pause that the server asks for by Retry-After."""
PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: method, path, query, JSON body and its media type."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    kind: str = "application/json"

    def __str__(self) -> str:
        """Return how errors name it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What came of one attempt: HTTP status (0: no answer), text, seconds the server asks for."""

    status: int
    text: str
    pause: float = 0

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 0 or self.status in PASSING


def send(
    api: client.ApiClient, request: Request, *, patient: bool, absent_is_none: bool
) -> Object | None:
    """Send one request, again after what may pass; return the answer's object.

    Args:
        api: the cluster, and who asks.
        request: what is sent.
        patient: whether it is sent again; each pause is of `WAITS_SECONDS`, or of the server.
        absent_is_none: whether the status 404 means None.

    Raises:
        ConflictError: what the request was decided on has changed, or is there already.
        NotReadyError: nothing answered, or the API is not installed.
        ParameterError: the request is refused as wrong.
        PermissionDeniedError: who asks may not.
    """
    cause = ""
    waits = WAITS_SECONDS if patient else ()
    for wait in (*waits, None):
        answer = _attempt(api, request)
        if 200 <= answer.status < 300:
            return dict(json.loads(answer.text))
        if answer.status == HTTPStatus.NOT_FOUND and absent_is_none:
            return None
        if not answer.passes:
            raise _error(answer.status, str(request), answer.text)
        cause = f"{answer.status or 'no answer'}: {_message(answer.text)}"
        if wait is not None:
            time.sleep(max(wait, answer.pause))
    attempts = len(waits) + 1
    raise NotReadyError(f"kubernetes: {request} failed {attempts} times; last: {cause}")


def _attempt(api: client.ApiClient, request: Request) -> _Answer:
    headers = {"Accept": "application/json", "Content-Type": request.kind}
    try:
        answer = api.call_api(
            request.path,
            request.method,
            query_params=list(request.query.items()),
            header_params=headers,
            body=request.body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _return_http_data_only=True,
            _request_timeout=TIMEOUT_SECONDS,
        )
        text = answer.data.decode()
    except client.ApiException as error:
        answer_text = error.body.decode() if isinstance(error.body, bytes) else error.body
        pause = _pause((error.headers or {}).get("Retry-After", ""))
        text = str(answer_text or error.reason)
        return _Answer(status=int(error.status or 0), text=text, pause=pause)
    except urllib3.exceptions.HTTPError as error:
        return _Answer(status=0, text=str(error))
    if not isinstance(_object(text), dict):
        # A proxy in between answers so; the API server never does.
        return _Answer(status=0, text=f"{answer.status} with {shown(text)}, which is no object")
    return _Answer(status=answer.status, text=text)


def _pause(retry_after: str) -> float:
    """Return the seconds that a server asks for; 0 for a date, which Kubernetes does not send."""
    return min(float(retry_after), LONGEST_WAIT_SECONDS) if retry_after.isdigit() else 0


def _object(text: str) -> Any:
    """Return the JSON value, None for what is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _message(text: str) -> str:
    """Return the message of a Kubernetes Status, or the text of another answer."""
    document = _object(text)
    return str(document.get("message", text)) if isinstance(document, dict) else shown(text)


def _managers(body: str) -> frozenset[str]:
    """Return the field managers that a refused apply conflicts with; others have no name here."""
    document = _object(body)
    details = document.get("details") if isinstance(document, dict) else None
    conflicts = [
        cause
        for cause in (details or {}).get("causes", [])
        if cause.get("reason") == "FieldManagerConflict"
    ]
    names = [re.search(r'conflict with "([^"]+)"', cause["message"]) for cause in conflicts]
    return frozenset(name[1] if name else "?" for name in names)


def _error(status: int, what: str, body: str) -> Exception:
    """Return the error that says what the caller does next."""
    text = f"kubernetes: {what}: {shown(_message(body))}"
    match status:
        case HTTPStatus.CONFLICT:
            return ConflictError(text, _managers(body))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return PermissionDeniedError(f"{text}; ask for the rule, or see `kanaria doctor`")
        case HTTPStatus.NOT_FOUND:
            return NotReadyError(f"{text}; is the API installed? See `kanaria doctor`")
        case _:
            return ParameterError(text)
