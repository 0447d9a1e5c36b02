"""Labels as they are uploaded: JSON, JSON lines or CSV. Pure.

    {"request_id": "a", "label": 1}                  the only row of a request
    {"request_id": "a", "row": 2, "label": "cat"}    one row of several
    {"request_id": "a", "labels": [0, 1, null]}      all rows in order; null where one is not known

Each may have a "time" (RFC 3339) at which it held; of two labels of a row the later counts. JSON
takes one of these or a list of them, JSON lines one a line; CSV has the columns request_id, label,
and row and time where needed. In CSV a label that reads as a number is one. An upload has at most
100,000 labels.

The content type must say which it is: a web page can send any other one here without being asked.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.utf8_text import is_name, is_text
from kanaria.serving.payload_log.exchanges import Label, LabelValue
from kanaria.serving.protocol.body_limits import BoundError, check_json
from kanaria.serving.protocol.content_type import media_type
from kanaria.serving.protocol.payload_cloud_event import MAX_NAME_LENGTH

JSON, CSV = "application/json", "text/csv"
LINES = ("application/x-ndjson", "application/jsonl")
MOST_LABELS = 100_000
"""Labels of one upload, which is one transaction: events wait as long."""
FIELDS = {"request_id", "row", "label", "labels", "time"}
MAX_FAULTS = 10


class LabelError(DataError):
    """Labels cannot be read; the message names the first faults by their place."""


class TooManyError(LabelError):
    """An upload holds more than is taken at once."""


class MediaTypeError(DataError):
    """The content type names no form of labels."""


def check_labels_type(content_type: str) -> None:
    """Refuse labels that do not say what they are.

    Raises:
        MediaTypeError: the content type is none of JSON, JSON lines and CSV.
    """
    if media_type(content_type) not in (JSON, CSV, *LINES):
        types = ", ".join((JSON, CSV, *LINES))
        raise MediaTypeError(f"content type {shown(content_type)}: send labels as one of {types}")


def read_labels(body: bytes, content_type: str, received: float) -> list[Label]:
    """Return the labels of an upload.

    Args:
        body: UTF-8.
        content_type: text/csv, application/x-ndjson or application/jsonl; anything else is JSON.
        received: seconds since 1970; the time of labels that have none.

    Raises:
        TooManyError: it holds more than is taken at once.
        LabelError: something in it is wrong; none of it is taken.
    """
    faults: list[str] = []
    labels: list[Label] = []
    for place, record in _records(body, media_type(content_type)):
        try:
            labels += _labels(record, received)
        except TooManyError:
            raise
        except LabelError as error:
            faults.append(f"{place}: {error}")
        _check_many(len(labels))
    if faults:
        more = f" and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
        raise LabelError(f"labels: {'; '.join(faults[:MAX_FAULTS])}{more}")
    return labels


def _check_many(count: int) -> None:
    if count > MOST_LABELS:
        raise TooManyError(f"labels: {count}, at most {MOST_LABELS} are taken; send fewer at once")


def _records(body: bytes, of_type: str) -> Iterable[tuple[str, Any]]:
    try:
        if of_type in (CSV, *LINES):
            _check_many(body.count(b"\n") - 1)  # With a line of names, and an empty one at the end.
            text = body.decode("utf-8-sig")
            return list(_from_csv(text)) if of_type == CSV else list(_from_lines(text))
        check_json(body)
        document = json.loads(body.decode("utf-8-sig"))
    except BoundError as error:
        raise TooManyError(f"labels: {error}") from error
    except (ValueError, RecursionError, csv.Error) as error:
        raise LabelError(f"labels: not {shown(of_type or JSON)}: {shown(str(error))}") from error
    records = document if isinstance(document, list) else [document]
    _check_many(len(records))
    return [(f"label {number}", record) for number, record in enumerate(records)]


def _from_lines(text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            check_json(line.encode())
            yield f"line {number}", json.loads(line)


def _from_csv(text: str) -> Iterator[tuple[str, Any]]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    if len(rows.fieldnames or ()) > len(FIELDS):  # Each row would be filled up to all of them.
        raise LabelError(f"labels: {len(rows.fieldnames or ())} columns; use {sorted(FIELDS)}")
    for row in rows:
        record: dict[Any, Any] = {name: value for name, value in row.items() if value}
        if "label" in record:
            record["label"] = _number_or_text(record["label"])
        if str(record.get("row", "")).isdecimal():
            record["row"] = int(record["row"])
        yield f"line {rows.line_num}", record


def _number_or_text(text: str) -> LabelValue:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _labels(record: Any, received: float) -> list[Label]:
    if not isinstance(record, Mapping):
        raise LabelError(f"{shown(record)} is no object")
    unknown = sorted(str(name) for name in set(record) - FIELDS)
    if unknown or ("label" in record) == ("labels" in record):
        raise LabelError(
            f"fields {shown(sorted(map(str, record)))}: use request_id, label, row, time"
        )
    request_id = record.get("request_id")
    if not is_name(request_id) or not 0 < len(request_id) <= MAX_NAME_LENGTH:
        raise LabelError(f"request_id={shown(request_id)}: use the X-Request-Id of the request")
    time = _time(record.get("time"), received)
    return [
        Label(request_id=request_id, row=row, value=_value(value), time=time)
        for row, value in _rows(record)
        if value is not None
    ]


def _rows(record: Mapping[str, Any]) -> list[tuple[int, Any]]:
    if "label" in record:
        row = record.get("row", 0)
        if type(row) is not int or not 0 <= row < 2**31:
            raise LabelError(f"row={shown(row)}: use the instance's place in the request, from 0")
        if record["label"] is None:
            raise LabelError("label=None: leave out what is not known")
        return [(row, record["label"])]
    labels = record["labels"]
    if not isinstance(labels, list) or "row" in record:
        raise LabelError(f"labels={shown(labels)}: use a list of all rows' labels, without row")
    _check_many(len(labels))
    return list(enumerate(labels))


def _value(value: Any) -> LabelValue:
    if isinstance(value, bool):
        return int(value)
    if is_text(value) and len(value) > MAX_NAME_LENGTH:
        raise LabelError(f"label={shown(value)}: longer than {MAX_NAME_LENGTH} characters")
    whole = isinstance(value, int) and -(2**63) <= value < 2**63
    if is_text(value) or whole or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise LabelError(f"label={shown(value)}: use a number or a text")


def _time(text: Any, received: float) -> float:
    if text is None:
        return received
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise LabelError(f"time={shown(text)}: use RFC 3339, as 2026-01-31T12:00:00Z")
    return min(moment.timestamp(), received)
