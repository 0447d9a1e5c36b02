"""What an answer of the model says of the messages that were asked. Pure.

status            verdict
---------------   ------------------------------------------------------------------------------
200               SCORED with a value for each row, or UNUSABLE where there is none for each
400, 422          REFUSED: the model cannot take a row
413               TOO_LARGE
all others        PASSING: nothing is said of the rows. The model is away, has failed or is
                  overloaded (5xx, 429), or is not where the config says (404, 401)

Sources: TensorFlow Serving RESTful API, "Predict API"; Open Inference Protocol v2, "Inference".
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError, parsed, written

OK = 200
MOST_CHARACTERS = 300
"""Of an error's text that is told on."""


class Kind(StrEnum):
    """What an answer says of the rows."""

    SCORED = "scored"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    UNUSABLE = "unusable"
    PASSING = "passing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP, 0 where nobody answered.
        body: of the answer; where nobody answered, why, as text.
        revision: that answered, "" where it is not said.
        retry_after: seconds that the server asks to wait, 0 for none.
    """

    status: int
    body: bytes
    revision: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an answer says.

    Attributes:
        values: an answer for each row, JSON in UTF-8; empty unless they are scored.
        why: one line, "" when they are scored.
    """

    kind: Kind
    values: tuple[bytes, ...] = ()
    why: str = ""


REFUSALS = {400: Kind.REFUSED, 422: Kind.REFUSED, 413: Kind.TOO_LARGE}


def verdict(answer: Answer, count: int, protocol: str) -> Verdict:
    """Return what an answer says of the rows that were asked.

    Args:
        answer: of the model.
        count: of the rows.
        protocol: "v1" or "v2".
    """
    if answer.status == OK:
        return _scored(answer.body, count, protocol)
    text = " ".join(answer.body.decode("utf-8", "replace").split())[:MOST_CHARACTERS]
    why = f"{answer.status}: {text}" if answer.status else text
    return Verdict(kind=REFUSALS.get(answer.status, Kind.PASSING), why=why)


def _scored(body: bytes, count: int, protocol: str) -> Verdict:
    try:
        document = parsed(body)
        values = document["predictions"] if protocol == "v1" else _rows(document["outputs"])
        if not isinstance(values, list) or len(values) != count:
            raise ValueError(f"not one answer for each of {count} rows")
        return Verdict(kind=Kind.SCORED, values=tuple(written(value) for value in values))
    except (RequestError, ValueError, KeyError, TypeError, RecursionError) as error:
        text = shown(body.decode("utf-8", "replace"))
        why = f"no {protocol} answer to {count} rows ({error}): {text}"
        return Verdict(kind=Kind.UNUSABLE, why=why)


def _rows(tensors: Any) -> list[dict[str, Any]]:
    """Return {output: value} for each row of V2's outputs."""
    columns = {tensor["name"]: _values(tensor) for tensor in tensors}
    counts = {len(values) for values in columns.values()}
    if len(counts) != 1:
        raise ValueError(f"outputs of {sorted(counts)} rows")
    return [{name: values[row] for name, values in columns.items()} for row in range(counts.pop())]


def _values(tensor: Any) -> list[Any]:
    data = np.empty(len(tensor["data"]), dtype=object)
    data[:] = tensor["data"]
    shape = tuple(tensor["shape"])
    if data.shape[:1] == shape[:1] and data.size and isinstance(data[0], list):
        return list(data)  # It is nested already.
    return list(data.reshape(shape).tolist())
