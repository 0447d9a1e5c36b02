"""References to data: which files, and optionally which content.

data/2013-01.csv,data/2013-02.csv          two files
data/*.csv                                 a pattern; files come in sorted order
data/2013-01.csv#sha256=<64 hex digits>    pinned: the content is verified when read
"""

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared import fingerprint, storage
from kanaria.components.shared.errors import DataError, ParameterError, shown

PIN = "#sha256="


@dataclass(frozen=True, kw_only=True, slots=True)
class DataReference:
    """Files that exist, in a stable order, and the content they must have.

    Attributes:
        files: at least one file, sorted by path.
        sha256: expected fingerprint as 64 hexadecimal digits, or "" when not pinned.
    """

    files: tuple[Path, ...]
    sha256: str = ""


def _matches(pattern: str) -> list[Path]:
    path = storage.local_path(pattern)
    if path.is_file():  # Also a name that holds brackets.
        return [path]
    # Path.glob would also match hidden files, such as an editor's copies.
    names = glob.glob(str(path), recursive=True)  # noqa: PTH207
    return [Path(name) for name in names if Path(name).is_file()]


def parse(data: str) -> DataReference:
    """Expand a reference to the files it names.

    Raises:
        ParameterError: the text is empty or the pin is not 64 hexadecimal digits.
        DataError: a path does not exist or a pattern matches no file; all of them are named.
    """
    text, pinned, digits = data.partition(PIN)
    patterns = [part.strip() for part in text.split(",") if part.strip()]
    if not patterns:
        raise ParameterError(f"data={shown(data)}: names no file; give a path or a pattern")
    if pinned and not re.fullmatch("[0-9a-f]{64}", digits):
        raise ParameterError(f"data={shown(data)}: the pin must be 64 hexadecimal digits")
    found = {pattern: _matches(pattern) for pattern in patterns}
    absent = [pattern for pattern, files in found.items() if not files]
    if absent:
        names = ", ".join(shown(pattern) for pattern in absent)
        raise DataError(
            f"data: no such file: {names}; give a file or a pattern such as folder/*.csv"
        )
    files = sorted({file for matches in found.values() for file in matches})
    return DataReference(files=tuple(files), sha256=digits)


def content(files: tuple[Path, ...]) -> str:
    """Return the fingerprint of the files' names (without folders) and bytes."""
    parts = sorted((file.name, fingerprint.of_file(file)) for file in files)
    return fingerprint.of_text(*[text for pair in parts for text in pair])


def pin(data: str) -> str:
    """Return the reference with every pattern expanded and the content's fingerprint added.

    Raises:
        ParameterError: `data` names nothing, or a path holds a comma, which separates paths.
        DataError: a file does not exist, or a pattern matches none.
    """
    reference = parse(data)
    paths = [str(file.resolve()) for file in reference.files]
    unusable = [path for path in paths if "," in path]
    if unusable:
        raise ParameterError(f"data={shown(unusable[0])}: a path holds a comma; rename it")
    return ",".join(paths) + PIN + content(reference.files)


def verify(reference: DataReference) -> str:
    """Return the fingerprint of the content, checked against the pin if there is one.

    Raises:
        DataError: the content has changed since it was pinned.
    """
    found = content(reference.files)
    if reference.sha256 and found != reference.sha256:
        raise DataError(
            f"data: the content changed since it was pinned: expected sha256 {reference.sha256}, "
            f"found {found}; run again from resolve_span"
        )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """One file of a reference.

    Attributes:
        uri: what an error message names.
        path: where it lies on this machine.
    """

    uri: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """Files that can be read, and the fingerprint of their content."""

    files: tuple[DataFile, ...]
    fingerprint: str


@contextmanager
def opened(data: str) -> Iterator[Opened]:
    """Yield the files of a reference for the time of the block.

    Raises:
        ParameterError: `data` names nothing.
        DataError: a file does not exist, or the content has changed since it was pinned.
    """
    reference = parse(data)
    found = verify(reference)
    files = tuple(DataFile(uri=str(path), path=path) for path in reference.files)
    yield Opened(files=files, fingerprint=found)
