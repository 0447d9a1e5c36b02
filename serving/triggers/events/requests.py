"""A person's or a program's own request: POST /triggers/NAME. Pure.

{"reason": "new labels of June"}     or no body at all

The header Idempotency-Key makes a request that is sent again the same happening; without it each
request is one of its own.
"""

import os
from collections.abc import Mapping

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError, parsed
from kanaria.serving.triggers.events.event import LONGEST, Event, EventError, Kind, Source, key_of

IDEMPOTENCY_KEY = "idempotency-key"


def read(trigger: str, headers: Mapping[str, str], body: bytes) -> Event:
    """Return what a request asks for.

    Raises:
        EventError: the body is no such mapping.
    """
    try:
        document = parsed(body) if body.strip() else {}
    except (RequestError, RecursionError) as error:
        raise EventError(str(error)) from error
    reason = document.get("reason", "") if isinstance(document, Mapping) else None
    if (
        not isinstance(document, Mapping)
        or not isinstance(reason, str)
        or set(document) - {"reason"}
    ):
        raise EventError(f'body {shown(document)}: send {{"reason": "..."}}, or nothing')
    key = headers.get(IDEMPOTENCY_KEY, "") or os.urandom(16).hex()
    return Event(
        source=Source.HTTP,
        kind=Kind.REQUEST,
        key=key_of("request", trigger, key),
        what=f"asked for: {reason}"[:LONGEST] if reason else "asked for",
        facts={"trigger": trigger},
    )
