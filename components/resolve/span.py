"""The work of resolve_span: which data this run reads."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from kanaria.components.resolve import span_choice, span_pattern
from kanaria.components.resolve.span_choice import SpanRequest
from kanaria.components.resolve.span_pattern import Position
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import data_reference, database_reference
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """The data of a run.

    Attributes:
        data: files with the fingerprint of their content, or a database as of now.
        span: the span as a user writes it, `first..last` for several, "" without spans.
        span_files: how many neighbouring files of `data` are of one span, then of the next, and so
            on; empty without spans.
    """

    data: str
    span: str
    span_files: tuple[int, ...] = ()


def resolve_span(data: str, request: SpanRequest) -> Resolved:
    """Choose the spans, expand the patterns and pin the content.

    Args:
        data: files or patterns separated by commas, with tokens (`span_pattern`) in all or in
            none of them; or a database (`shared.database_reference`).
        request: which spans; those of a window without files are left out.

    Raises:
        ParameterError: parameters are wrong, all faults at once; or `data` names nothing.
        DataError: there are no such files.
        NotReadyError: an object store does not answer.
    """
    if database_reference.is_database(data):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Resolved(data=database_reference.dated(data, now), span="")
    patterns = [part.strip() for part in data.split(",") if part.strip()]
    if not any(span_pattern.TOKEN.search(pattern) for pattern in patterns):
        _check_without_spans(request)
        return Resolved(data=data_reference.pin(data), span="")
    choice = _choice(patterns, request)
    files = {pattern: _positions(pattern) for pattern in patterns}
    chosen = span_choice.spans(
        {p: set(positions.values()) for p, positions in files.items()}, choice
    )
    for pattern, positions in files.items():
        _check_spelling(
            pattern, [uri for uri in positions if positions[uri] in chosen[pattern]], positions
        )
    uris = [
        uri
        for pattern, positions in files.items()
        for uri, position in sorted(positions.items())
        if position in chosen[pattern]
    ]
    text = span_choice.text(patterns[0], chosen[patterns[0]])
    logger.warning("span %s: %d files", text, len(uris))
    pinned = data_reference.pin(",".join(uris))
    return Resolved(data=pinned, span=text, span_files=_neighbours(pinned, files.values()))


def _neighbours(pinned: str, files: Iterable[Mapping[str, Position]]) -> tuple[int, ...]:
    """Return how many neighbouring files are of one span, in the order of the reference."""
    places = {
        uri_files.absolute(uri): at.span for positions in files for uri, at in positions.items()
    }
    uris = pinned.partition(data_reference.PIN)[0].split(",")
    return tuple(len(list(same)) for _, same in groupby(uris, key=places.__getitem__))


def _check_without_spans(request: SpanRequest) -> None:
    """Refuse a span where the data has none: it would silently not count."""
    faults = Faults("resolve_span")
    remedy = "write {SPAN} or {YYYY}, {MM} and {DD} where it stands in data"
    nothing = SpanRequest()
    for name in ("span", "version", "window"):
        value = getattr(request, name)
        faults.check(value == getattr(nothing, name), name, value, remedy)
    faults.raise_if_any()


def _choice(patterns: list[str], request: SpanRequest) -> span_choice.Choice:
    faults = Faults("resolve_span")
    for pattern in patterns:
        span_pattern.check(pattern, faults)
        has_span = span_pattern.is_dated(pattern) or "SPAN" in span_pattern.tokens(pattern)
        faults.check(has_span, "data", pattern, "has no span; write one into every pattern")
    dated = {span_pattern.is_dated(pattern) for pattern in patterns}
    faults.check(len(dated) == 1, "data", patterns, "use days in all patterns or in none")
    versioned = [pattern for pattern in patterns if "VERSION" in span_pattern.tokens(pattern)]
    fits = request.version == span_choice.LATEST or len(versioned) == len(patterns)
    faults.check(fits, "version", request.version, "write {VERSION} into every pattern")
    choice = span_choice.parse(request, dated=True in dated, faults=faults)
    faults.raise_if_any()
    return choice


def _check_spelling(pattern: str, uris: list[str], positions: Mapping[str, Position]) -> None:
    """Refuse a span that is there twice, as 1 and as 01: its rows would count twice."""
    form = span_pattern.expression(_as_listed(pattern))
    first: dict[Position, str] = {}
    for uri in uris:
        other = first.setdefault(positions[uri], uri)
        if span_pattern.spelling(form, uri) != span_pattern.spelling(form, other):
            raise DataError(
                f"data={shown(pattern)}: one span is written in two ways: {shown(other)}, "
                f"{shown(uri)}; keep one, or give a width, as {{SPAN:3}}"
            )


def _as_listed(pattern: str) -> str:
    return pattern if uri_files.is_remote(pattern) else str(uri_files.local_path(pattern))


def _positions(pattern: str) -> dict[str, Position]:
    """Return the files of a pattern and where they stand."""
    local = _as_listed(pattern)
    form = span_pattern.expression(local)
    listed = uri_files.matches(span_pattern.wildcards(local))
    positions = {uri: span_pattern.position(form, uri) for uri in listed}
    odd = sorted(uri for uri, position in positions.items() if position is None)
    if odd:
        logger.warning("%s: no span: %s", pattern, shown(odd[:3]))
    placed = {uri: position for uri, position in positions.items() if position is not None}
    if not placed:
        example = f"; {shown(odd[0])} names no day or number" if odd else ""
        raise DataError(f"data={shown(pattern)}: matches no file{example}; check the path")
    return placed
