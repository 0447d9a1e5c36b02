"""The tables of a store.

Texts are compared byte by byte in both databases. A label's value is JSON, so that 1, 1.0 and "1"
stay three values and any two have an order.
"""

from collections.abc import Iterator, Mapping

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.errors import ParameterError

VERSION = 4
BESIDE_BODY = 500
"""About the bytes that a body takes beside its own in rows and indexes."""
BESIDE_LABEL = 150
SIZE_OF_LABEL = f"{BESIDE_LABEL} + 2 * length(request_id) + length(value)"
SCHEMA = """
CREATE TABLE store (version INTEGER NOT NULL, horizon {real} NOT NULL);
INSERT INTO store VALUES (4, 0);
CREATE TABLE exchanges (
  number {numbered},  -- Never given twice, so that a place in it stays one.
  namespace {text} NOT NULL, service {text} NOT NULL, component {text} NOT NULL,
  id {text} NOT NULL, version {text} NOT NULL, request_id {text} NOT NULL,
  time {real} NOT NULL, received {real} NOT NULL, UNIQUE (namespace, service, component, id));
CREATE INDEX by_stream ON exchanges (namespace, service, version, number);
CREATE INDEX by_time ON exchanges (namespace, service, version, time);
CREATE INDEX by_request_id ON exchanges (request_id) WHERE request_id <> '';
CREATE TABLE bodies (
  place {integer} PRIMARY KEY,  -- 2 * number for a request, + 1 for a response: neighbours.
  rows {integer} NOT NULL, body {bytes} NOT NULL);
CREATE TABLE labels (
  request_id {text} NOT NULL, row {integer} NOT NULL, value {text} NOT NULL, time {real} NOT NULL,
  received {real} NOT NULL, PRIMARY KEY (request_id, row)) {packed};
CREATE INDEX labels_by_age ON labels (received);
CREATE TABLE places (
  reader {text} NOT NULL, namespace {text} NOT NULL, service {text} NOT NULL,
  version {text} NOT NULL, number {integer} NOT NULL,
  PRIMARY KEY (reader, namespace, service, version)) {packed};
CREATE TABLE verdicts (
  namespace {text} NOT NULL, service {text} NOT NULL, version {text} NOT NULL,
  detector {text} NOT NULL, first {real} NOT NULL, last {real} NOT NULL, rows {integer} NOT NULL,
  drifted {integer}, document {text} NOT NULL);
CREATE INDEX verdicts_by_end ON verdicts (last);
CREATE INDEX verdicts_by_detector ON verdicts (namespace, service, version, detector, last);
"""
ROOMS = f"""
CREATE INDEX by_service ON exchanges (namespace, service, number);
CREATE TABLE kept (  -- What each service has; the row without names is of all labels.
  namespace {{text}} NOT NULL, service {{text}} NOT NULL, horizon {{real}} NOT NULL,
  bytes {{integer}} NOT NULL, PRIMARY KEY (namespace, service));
INSERT INTO kept SELECT '', '', 0, coalesce(sum({SIZE_OF_LABEL}), 0) FROM labels;
INSERT INTO kept SELECT namespace, service, 0, sum(length(body) + {BESIDE_BODY})
  FROM exchanges JOIN bodies ON number = place / 2 GROUP BY namespace, service;
{{more}}"""  # noqa: S608  # Put together of this file's constants.
MEMORIES = """
CREATE TABLE memories (  -- What a reader knows of a stream beside its place in it.
  reader {text} NOT NULL, namespace {text} NOT NULL, service {text} NOT NULL,
  version {text} NOT NULL, memory {bytes} NOT NULL,
  PRIMARY KEY (reader, namespace, service, version));"""
SCHEMA += f"{ROOMS}{MEMORIES}"
MIGRATIONS: Mapping[int, str] = {2: f"{{fewer}}{ROOMS}", 3: MEMORIES}
"""Version -> statements, written as SCHEMA is, that make its tables those of the next version."""


def migrations(version: int) -> Iterator[str]:
    """Yield the statements that make tables of `version` those of VERSION, in order.

    Raises:
        NewerFormatError: a newer program made the tables.
        ParameterError: they are older than what can be read on.
    """
    if version > VERSION:
        raise NewerFormatError(newer(version))
    for step in range(version, VERSION):
        if step not in MIGRATIONS:
            raise ParameterError(
                f"a store of format {version}, which this Kanaria cannot read on to {VERSION}; "
                "name another one, or move it away"
            )
        yield f"{MIGRATIONS[step]}\nUPDATE store SET version = {step + 1}"


def newer(version: int) -> str:
    """Return what is said of a store of a later version than this program's."""
    return f"written by a newer Kanaria: format {version}, this one knows {VERSION}; upgrade"
