"""Compares files with those that were signed, and names what differs."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.artifacts.signed_manifest import refused
from kanaria.components.shared.errors import shown

MOST_NAMED = 5
"""Files that a message names."""
REMEDY = "ask who may write there, and publish the model again from its source"


def require_plain(root: Path, below: Path, name: str) -> None:
    """Refuse what is no file and no folder: a link leads to what nobody signed.

    Args:
        root: folder that names in messages are relative to.
        below: what is looked through: a folder in it, a file, or the root.
        name: what a message calls the root.

    Raises:
        DataError: something is neither.
    """
    for path in (below, *sorted(below.rglob("*"))):
        inner = path.relative_to(root).as_posix()
        if path.is_symlink() and path != root:
            raise refused(name, f"{_said(inner)} is a link, and no file of its own", REMEDY)
        if path.exists() and not path.is_dir() and not path.is_file():
            raise refused(name, f"{_said(inner)} is neither a file nor a folder", REMEDY)


def require_equal(
    root: Path, signed: Mapping[str, str], below: str, name: str, ignored: Collection[str] = ()
) -> None:
    """Refuse files that are not the signed ones, all of them and no other.

    Args:
        root: folder that the signed names are relative to.
        signed: name -> SHA-256 of its bytes.
        below: the file, or the folder, that counts: a name relative to the root; "" for all.
        name: what a message calls the root.
        ignored: names relative to the root that do not count.

    Raises:
        DataError: one is another, is missing, was added, or is a link.
    """
    place = root / below
    require_plain(root, place, name)
    paths = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    named = {path.relative_to(root).as_posix(): path for path in paths}
    files = {inner: path for inner, path in named.items() if inner not in ignored}
    wanted = {n: digest for n, digest in signed.items() if not below or _is_in(n, below)}
    differences = list(_differences(files, wanted))
    if not differences:
        return
    more = len(differences) - MOST_NAMED
    rest = f" and {more} more files" if more > 0 else ""
    raise refused(name, f"{', '.join(differences[:MOST_NAMED])}{rest}", REMEDY)


def _is_in(name: str, below: str) -> bool:
    return name == below or name.startswith(f"{below}/")


def _differences(files: Mapping[str, Path], signed: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(signed.keys() | files.keys()):
        if name not in signed:
            yield f"{_said(name)} was added"
        elif name not in files:
            yield f"{_said(name)} is missing"
        elif fingerprint.of_file(files[name]) != signed[name]:
            yield f"{_said(name)} is not what was signed"


def _said(name: str) -> str:
    """Return the name of a file, in quotes where it is more than one word."""
    return name if name.isprintable() and " " not in name else shown(name)
