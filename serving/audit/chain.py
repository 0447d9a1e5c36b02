"""The chain of an audit trail: each entry's hash covers the one before. Pure.

A trail is a text, one entry a line:

    <hash> <entry as JSON>

with hash = SHA-256(hash of the line before + JSON), both as they stand, in 64 hexadecimal digits;
before the first line stand 64 zeros. A changed byte, a removed, added or moved line breaks it. A
tail that was cut off, or a chain that was written anew as a whole, is whole in itself: only a hash
that somebody noted elsewhere tells (`place_of`). The scheme is that of Haber and Stornetta, "How to
time-stamp a digital document", Journal of Cryptology 3 (1991), section 5.1.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.audit.entry import Entry, from_json, to_json

BEGINNING = "0" * 64
"""What the first entry follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """An entry in its place; `number` counts from 1."""

    number: int
    hash: str
    entry: Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """A trail as it was read.

    Attributes:
        links: entries whose hash is right, oldest first; of others nothing is believed.
        faults: what is wrong, one sentence each, in the order of the trail.
        tail: what follows the last end of a line: a writer died there, or somebody cut it.
        head: hash of the last whole line, which the next entry follows.
    """

    links: tuple[Link, ...] = ()
    faults: tuple[str, ...] = ()
    tail: bytes = b""
    head: str = BEGINNING

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that can be believed, oldest first."""
        return tuple(link.entry for link in self.links)

    def place_of(self, noted: str) -> int | None:
        """Return the number of the entry with the hash that was noted, None where there is none."""
        return next((link.number for link in self.links if link.hash == noted), None)


def read(data: bytes) -> Chain:
    """Return a trail with all of its faults; never raises."""
    *lines, tail = data.split(b"\n")
    links, faults, head = [], [], BEGINNING
    for number, line in enumerate(lines, 1):
        digest, _, content = line.partition(b" ")
        try:
            links.append(_link(number, head, digest, content))
        except DataError as error:
            faults.append(str(error))
        head = digest.decode("latin-1")  # So that one fault spoils no later entry.
    return Chain(links=tuple(links), faults=tuple(faults), tail=tail, head=head)


def extended(head: str, entries: Iterable[Entry]) -> str:
    """Return the lines that add entries to a trail whose last hash is `head`."""
    lines = []
    for entry in entries:
        content = to_json(entry)
        head = _digest(head, content.encode("ascii"))
        lines.append(f"{head} {content}\n")
    return "".join(lines)


def is_whole(head: str, tail: bytes) -> bool:
    """Tell whether a tail is an entry that lacks nothing but the end of its line."""
    digest, _, content = tail.partition(b" ")
    return digest == _digest(head, content).encode()


def _link(number: int, previous: str, digest: bytes, content: bytes) -> Link:
    expected = _digest(previous, content)
    if digest != expected.encode():
        before = f"after entry {number - 1}" if number > 1 else "at the beginning"
        raise DataError(
            f"entry {number} is not what was written {before}: its hash is "
            f"{shown(digest.decode('latin-1'), 80)} and should be {expected}"
        )
    entry = from_json(content.decode("ascii", errors="replace"), f"entry {number}")
    return Link(number=number, hash=expected, entry=entry)


def _digest(previous: str, content: bytes) -> str:
    return hashlib.sha256(previous.encode("latin-1") + content).hexdigest()
