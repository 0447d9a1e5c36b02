"""One entry of an audit trail, there and back as canonical JSON. Pure.

The text is ASCII with sorted keys and no spaces, so it survives any editor's encoding, and nothing
in it is a number that JSON lacks. It is what is hashed, byte for byte: nobody who verifies a trail
has to write a number or a letter as Python does, which canonical forms of JSON stumble over
(RFC 8785, sections 3.2.2 and 3.2.3).
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.config.validation import first_fault
from kanaria.components.shared.errors import DataError

FORMAT = DocumentFormat()
CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")
"""Before the host of a URI (RFC 3986, section 3.2.1); a password may hold an @ of its own."""
WORD = re.compile(r"\S+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The recorded decision that an entry was written from, so that it is written once.

    Attributes:
        rollout: number of the service's rollout, from 1.
        started: when that began, seconds since 1970: numbers begin anew with a service.
        entry: place in the rollout's record, from 1; 0 for its beginning.
    """

    rollout: int
    started: float
    entry: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One decision over a service.

    Attributes:
        when: it was decided, seconds since 1970.
        who: the person or system that decided.
        what: the decision in a word or two, for instance "push" or "rollback".
        about: the revision or the model's URI that it is about.
        why: its reason in one line, or "".
        numbers: what it rests on, as plain JSON values without secrets.
        source: the recorded decision it was written from; None where it is the record itself.
    """

    when: float
    who: str
    what: str
    about: str
    why: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None


_ADAPTER = TypeAdapter(Entry)


def to_json(entry: Entry) -> str:
    """Return the entry as one line of ASCII, without what opens a door."""
    values = _clean(_ADAPTER.dump_python(entry))
    numbered = FORMAT.numbered(values)
    return json.dumps(numbered, sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(text: str, where: str) -> Entry:
    """Return the entry written by `to_json`.

    Raises:
        NewerFormatError: a newer Kanaria wrote it.
        DataError: it is no entry.
    """
    try:
        return _ADAPTER.validate_json(json.dumps(FORMAT.current(json.loads(text), where)))
    except ValidationError as error:
        raise DataError(f"{where}: {first_fault(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: no JSON ({error})") from error


def _clean(value: Any) -> Any:
    """Return plain JSON: texts without credentials, a number that JSON lacks by its name."""
    if isinstance(value, Mapping):
        return {str(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, str):
        return WORD.sub(lambda word: _without_secrets(word[0]), str(value))
    is_endless = isinstance(value, float) and not math.isfinite(value)
    return str(value) if is_endless else value


def _without_secrets(word: str) -> str:
    """Return a word without the credentials of a URI, and without the query of a signed one."""
    scheme, separator, rest = word.partition("://")
    if not separator:
        return word
    return CREDENTIALS.sub("", scheme + separator + rest.partition("?")[0])
