"""Asks the drift server how many rows of a service got a label since a moment."""

from typing import Any

import httpx

from kanaria.components.shared.errors import NotReadyError, shown
from kanaria.serving.drift_token import authorization_for
from kanaria.serving.triggers.trigger_file import LabelledRows

PATH = "/labelled"
SECONDS = 10.0


def count(server: str, wanted: LabelledRows, since: float) -> int:
    """Return how many rows got a label.

    Args:
        server: address of the drift server.
        wanted: whose rows.
        since: in seconds since 1970.

    Raises:
        NotReadyError: the server does not answer, or not with a number.
        DataError: the file of its token holds none.
    """
    place = {"namespace": wanted.namespace, "service": wanted.service, "since": repr(since)}
    url = f"{server.rstrip('/')}{PATH}"
    headers = authorization_for(url)
    try:
        answer = httpx.get(url, params=place, headers=headers, timeout=SECONDS)
        answer.raise_for_status()
        return _rows(answer.json())
    except httpx.HTTPError as error:
        raise NotReadyError(f"{url}: {error or type(error).__name__}; see to it") from error
    except ValueError as error:
        raise NotReadyError(
            f"{url}: {shown(answer.text)}: no count of labels; see to it"
        ) from error


def _rows(document: Any) -> int:
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, int) or rows < 0:
        raise ValueError(f"rows={rows!r}")
    return rows
