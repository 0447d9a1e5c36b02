"""References to data: which files, and optionally which content.

data/2013-01.csv,data/2013-02.csv          two files
s3://bucket/data/*.csv                     a pattern; files come in sorted order, each once
data/2013-01.csv#sha256=<64 hex digits>    pinned: the content is verified when read

A file is a path or a URI that `storage` reads. One that is named in two ways is one file. The names
of `key=value` folders (`hive`) are content.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import hive
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.components.shared.storage.parallel import each

PIN = "#sha256="


@dataclass(frozen=True, kw_only=True, slots=True)
class DataReference:
    """Files that exist, in a stable order, and the content they must have.

    Attributes:
        uris: of at least one file, sorted, no file twice.
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
    uris_of = {pattern: uri_files.matches(pattern) for pattern in patterns}
    absent = [pattern for pattern, uris in uris_of.items() if not uris]
    if absent:
        names = ", ".join(shown(pattern) for pattern in absent)
        raise DataError(
            f"data: no such file: {names}; give a file or a pattern such as folder/*.csv, which "
            "leaves out names that begin with _ or ."
        )
    uris = _each_once([uri for matches in uris_of.values() for uri in matches])
    return DataReference(uris=tuple(uris), sha256=digits)


def _each_once(uris: Sequence[str]) -> list[str]:
    """Return the URIs in an order that is the same in any working folder, no file twice."""
    first: dict[str, str] = {}
    for uri in sorted(uris, key=uri_files.absolute):
        first.setdefault(uri_files.resolved(uri), uri)
    return list(first.values())


def _fingerprint(uris: Sequence[str], digests: Sequence[str]) -> str:
    names = [hive.name(uri_files.absolute(uri)) for uri in uris]
    pairs = sorted(zip(names, digests, strict=True))
    return fingerprint.of_text(*[text for pair in pairs for text in pair])


def _digest(file: DataFile) -> str:
    try:
        return fingerprint.of_file(file.path)
    except OSError as error:
        raise DataError(f"{file.uri}: not readable: {error.strerror}; check the file") from error


def content(files: Sequence[DataFile]) -> str:
    """Return the fingerprint of the files' names, of `key=value` folders above, and of bytes.

    Raises:
        DataError: a file cannot be read.
    """
    return _fingerprint([file.uri for file in files], each(_digest, files))


def pin(data: str) -> str:
    """Return the reference with every pattern expanded and the content's fingerprint added.

    Raises:
        ParameterError: `data` names nothing, or a path holds a comma, which separates paths.
        DataError: a file does not exist, or a pattern matches none.
        NotReadyError: an object store does not answer.
    """
    reference = parse(data)
    uris = [uri_files.absolute(uri) for uri in reference.uris]
    unusable = [uri for uri in uris if "," in uri]
    if unusable:
        raise ParameterError(f"data={shown(unusable[0])}: a path holds a comma; rename it")
    return ",".join(uris) + PIN + _fingerprint(uris, each(uri_files.sha256, uris))


def _verified(reference: DataReference, fingerprint: str) -> str:
    if reference.sha256 and fingerprint != reference.sha256:
        raise DataError(
            f"data: the content changed since it was pinned: expected sha256 {reference.sha256}, "
            f"found {fingerprint}; run again from resolve_span"
        )
    return fingerprint


def _check_unchanged(files: Sequence[DataFile], digests: Sequence[str]) -> None:
    """Raise DataError naming the files whose bytes are not those of before."""

    def differs(pair: tuple[DataFile, str]) -> bool:
        file, digest = pair
        return not file.path.is_file() or _digest(file) != digest

    pairs = list(zip(files, digests, strict=True))
    changed = [
        file.uri for (file, _), is_new in zip(pairs, each(differs, pairs), strict=True) if is_new
    ]
    if changed:
        raise DataError(
            f"{', '.join(changed)}: changed while it was read; let whatever writes it end, and "
            "run again"
        )


def _fetched(reference: DataReference, folder: Path) -> tuple[DataFile, ...]:
    # Each file has a folder of its own: two may have one name.
    places = [folder / str(number) for number in range(len(reference.uris))]
    pairs = list(zip(reference.uris, places, strict=True))
    paths = each(lambda pair: uri_files.fetched(*pair), pairs)
    return tuple(
        DataFile(uri=uri, path=path) for uri, path in zip(reference.uris, paths, strict=True)
    )


@contextmanager
def opened(data: str) -> Iterator[Opened]:
    """Yield the files of a reference on this machine, their content verified.

    Remote files are copied to a temporary folder that ends with the block. Files of this machine
    are verified again at the end of the block, as they may change meanwhile.

    Raises:
        ParameterError: the reference is malformed.
        DataError: a file does not exist, or the content has changed since it was pinned, or
            changes within the block; then that is the error, whatever else went wrong there.
        NotReadyError: an object store does not answer, or the disk is full.
    """
    reference = parse(data)
    with tempfile.TemporaryDirectory(prefix="kanaria-data-") as folder:
        files = _fetched(reference, Path(folder))
        digests = each(_digest, files)
        fingerprint = _verified(reference, _fingerprint(reference.uris, digests))
        try:
            yield Opened(files=files, fingerprint=fingerprint)
        finally:
            _check_unchanged(files, digests)
