"""The tables of a store.

Texts are compared byte by byte in both databases. A label's value is JSON, so that 1, 1.0 and "1"
stay three values and any two have an order.
"""

from collections.abc import Iterator, Mapping

from kanaria.components.shared.document_format import NewerFormatError
from kanaria.components.shared.errors import ParameterError

VERSION = 2
MIGRATIONS: Mapping[int, str] = {}
"""Version -> statements, written as SCHEMA is, that make its tables those of the next version."""
SCHEMA = """
CREATE TABLE store (version INTEGER NOT NULL, horizon {real} NOT NULL);
INSERT INTO store VALUES (2, 0);
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
{more}"""


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
