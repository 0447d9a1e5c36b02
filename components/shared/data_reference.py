"""References to data: which files, and optionally which content.

data/2013-01.csv,data/2013-02.csv          two files
s3://bucket/data/*.csv                     a pattern; files come in sorted order
data/2013-01.csv#sha256=<64 hex digits>    pinned: the content is verified when read

A file is a path or a URI that `kanaria.components.shared.storage` reads.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared import fingerprint, storage
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.many import each

PIN = "#sha256="


@dataclass(frozen=True, kw_only=True, slots=True)
class DataReference:
    """Files that exist, in a stable order, and the content they must have.

    Attributes:
        uris: of at least one file, sorted.
        sha256: expected fingerprint as 64 hexadecimal digits, or "" when not pinned.
    """

    uris: tuple[str, ...]
    sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """One file of a reference: the URI for messages, and a path with its content."""

    uri: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """The files of a reference on this machine, sorted by URI, and their fingerprint."""

    files: tuple[DataFile, ...]
    fingerprint: str


def parse(data: str) -> DataReference:
    """Expand a reference to the files it names.

    Raises:
        ParameterError: the text is empty or the pin is not 64 hexadecimal digits.
        DataError: a path does not exist or a pattern matches no file; all of them are named.
        NotReadyError: an object store does not answer.
    """
    text, pinned, digits = data.partition(PIN)
    patterns = [part.strip() for part in text.split(",") if part.strip()]
    if not patterns:
        raise ParameterError(f"data={shown(data)}: names no file; give a path or a pattern")
    if pinned and not re.fullmatch("[0-9a-f]{64}", digits):
        raise ParameterError(f"data={shown(data)}: the pin must be 64 hexadecimal digits")
    found = {pattern: storage.matches(pattern) for pattern in patterns}
    absent = [pattern for pattern, uris in found.items() if not uris]
    if absent:
        names = ", ".join(shown(pattern) for pattern in absent)
        raise DataError(
            f"data: no such file: {names}; give a file or a pattern such as folder/*.csv"
        )
    uris = sorted({uri for matches in found.values() for uri in matches})
    return DataReference(uris=tuple(uris), sha256=digits)


def _fingerprint(pairs: list[tuple[str, str]]) -> str:
    return fingerprint.of_text(*[text for pair in sorted(pairs) for text in pair])


def content(files: tuple[Path, ...]) -> str:
    """Return the fingerprint of the files' names (without folders) and bytes."""
    return _fingerprint([(file.name, fingerprint.of_file(file)) for file in files])


def pin(data: str) -> str:
    """Return the reference with every pattern expanded and the content's fingerprint added.

    Raises:
        ParameterError: `data` names nothing, or a path holds a comma, which separates paths.
        DataError: a file does not exist, or a pattern matches none.
        NotReadyError: an object store does not answer.
    """
    reference = parse(data)
    uris = [storage.absolute(uri) for uri in reference.uris]
    unusable = [uri for uri in uris if "," in uri]
    if unusable:
        raise ParameterError(f"data={shown(unusable[0])}: a path holds a comma; rename it")
    found = _fingerprint(each(lambda uri: (uri.rpartition("/")[2], storage.sha256(uri)), uris))
    return ",".join(uris) + PIN + found


def _verified(reference: DataReference, found: str) -> str:
    if reference.sha256 and found != reference.sha256:
        raise DataError(
            f"data: the content changed since it was pinned: expected sha256 {reference.sha256}, "
            f"found {found}; run again from resolve_span"
        )
    return found


@contextmanager
def opened(data: str) -> Iterator[Opened]:
    """Yield the files of a reference on this machine, their content verified.

    Remote files are copied to a temporary folder that ends with the block.

    Raises:
        ParameterError: the reference is malformed.
        DataError: a file does not exist, or the content has changed since it was pinned.
        NotReadyError: an object store does not answer, or the disk is full.
    """
    reference = parse(data)
    with tempfile.TemporaryDirectory(prefix="kanaria-data-") as folder:
        # Each file has a folder of its own: two may have one name.
        places = [Path(folder) / str(number) for number in range(len(reference.uris))]
        pairs = zip(reference.uris, places, strict=True)
        paths = each(lambda pair: storage.fetched(*pair), pairs)
        found = _verified(reference, content(tuple(paths)))
        found_at = zip(reference.uris, paths, strict=True)
        files = tuple(DataFile(uri=uri, path=path) for uri, path in found_at)
        yield Opened(files=files, fingerprint=found)
