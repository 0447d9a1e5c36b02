"""How a server writes its log: lines for a person, or with KANARIA_LOG_FORMAT=json an object each.

    {"time": "2026-11-30T11:20:00.123Z", "level": "warning", "logger": "kanaria.serving…",
     "message": "…", "namespace": "team", "service": "flights", "revision": "…", "request_id": "…"}

An object stands on one line, whatever it says. What is said by `extra` of a logging call, or for
a block by `fields`, stands in it beside these; an exception is `exception`, with its traceback.
The names that all servers use: run_id, namespace, service, revision, request_id, pipeline, trigger.
"""

import json
import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown

FORMAT = "KANARIA_LOG_FORMAT"
TEXT, JSON = "text", "json"
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What logging itself keeps of a record; what else there is came by `extra`."""
NO_FIELDS: Mapping[str, Any] = {}
_fields: ContextVar[Mapping[str, Any]] = ContextVar("fields", default=NO_FIELDS)


@contextmanager
def fields(**values: Any) -> Iterator[None]:
    """Let these stand in every object that this thread or task logs in the block."""
    token = _fields.set({**_fields.get(), **values})
    try:
        yield
    finally:
        _fields.reset(token)


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, in ASCII, which any program reads."""

    def __init__(self, always: Mapping[str, Any] = NO_FIELDS) -> None:
        """Put `always` into every object."""
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.fromtimestamp(record.created, UTC)
        extra = {name: value for name, value in vars(record).items() if name not in OWN}
        beside = {**self._always, **_fields.get(), **extra}
        line = {name: _plain(value) for name, value in beside.items()} | {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _plain(value: Any) -> Any:
    is_plain = value is None or isinstance(value, str | bool | int)
    is_number = isinstance(value, float) and math.isfinite(value)
    return value if is_plain or is_number else str(value)


def configure(form: str, level: int = logging.INFO, **always: Any) -> None:
    """Let this process log to stderr, as logging.basicConfig does.

    Args:
        form: of a line for a person, as logging.Formatter takes it.
        level: of what is logged.
        always: fields of every object, where objects are asked for.

    Raises:
        ParameterError: KANARIA_LOG_FORMAT names no form.
    """
    chosen = os.environ.get(FORMAT, "") or TEXT
    if chosen not in (TEXT, JSON):
        raise ParameterError(f"{FORMAT}={shown(chosen)}: use {JSON} or {TEXT}")
    logging.basicConfig(level=level, format=form)
    if chosen == JSON:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter(always))
        logging.captureWarnings(True)
        sys.excepthook = _log_unforeseen


def is_json() -> bool:
    """Tell whether this process logs objects."""
    handlers = logging.getLogger().handlers
    return any(isinstance(handler.formatter, JsonFormatter) for handler in handlers)


def _log_unforeseen(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    logging.getLogger("kanaria").critical(
        "unforeseen: %s", error, exc_info=(kind, error, traceback)
    )
