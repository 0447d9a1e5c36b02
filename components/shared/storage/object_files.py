"""What `kanaria.components.shared.storage.uri_files` promises, for object stores."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import atomic, checksums, key_patterns
from kanaria.components.shared.storage.connect import store_of
from kanaria.components.shared.storage.location import Location
from kanaria.components.shared.storage.object_store import (
    AbsentError,
    ObjectInfo,
    PassingError,
    RefusedError,
    Store,
)
from kanaria.components.shared.storage.parallel import each
from kanaria.components.shared.storage.retry import attempted

MOST_TEXT = 64 << 20
"""Bytes of a text, which is read into memory."""


class Objects:
    """The file or the folder at one location."""

    def __init__(self, location: Location) -> None:
        """Connect to the store of the location; nothing is asked yet."""
        self._at, self._store = location, store_of(location)
        self._uri = location.uri(location.key)

    def matches(self) -> list[str]:
        """Return the URIs of the objects that the key, taken as a pattern, names."""
        key = self._at.key
        if self._is_object():
            return [self._uri]
        beginning = key_patterns.literal(key)
        if beginning == key:
            return []
        keys = self._keys(beginning)
        return sorted(self._at.uri(name) for name in keys if key_patterns.fits(key, name))

    def exists(self) -> bool:
        """Tell whether there is an object, or at least one below."""
        return self._is_object() or bool(self._keys(self._at.below))

    def sha256(self) -> str:
        """Return the SHA-256 of the object."""
        return attempted(self._uri, lambda: _read(self._store, self._at.key, _nothing))

    def fingerprint(self) -> str:
        """Return the fingerprint of the object, or of all below, as that of a local copy."""
        if self._is_object():
            return self.sha256()
        keys = self._keys(self._at.below)
        digests = each(lambda key: Objects(replace(self._at, key=key)).sha256(), keys)
        names = [key[len(self._at.below) :] for key in keys]
        return fingerprint.of_files(dict(zip(names, digests, strict=True)))

    def read_text(self) -> str:
        """Return the text of the object."""
        return attempted(self._uri, lambda: _bytes(self._store, self._at.key)).decode("utf-8")

    def tail(self, most: int) -> bytes:
        """Return the last bytes of the object."""
        return attempted(self._uri, lambda: self._store.tail(self._at.key, most))

    def fetched(self, folder: Path) -> Path:
        """Copy the object, or all below, to `folder/<last part of the URI>`."""
        target = folder / _safe(self._uri, self._at.key.rpartition("/")[2] or self._at.bucket)
        if self._is_object():
            with atomic.published(target) as temporary:
                self._download(self._at.key, temporary)
            return target
        keys = self._keys(self._at.below)
        if not keys:
            raise DataError(f"uri={shown(self._uri)}: no such file or folder; check the URI")
        _check_names(self._at.uri(""), keys)
        with atomic.published(target) as temporary:
            each(lambda key: self._download(key, temporary / self._name(key)), keys)
        return target

    def publish_file(self, source: Path) -> None:
        """Write one file to the location."""
        self._check_key()
        self._upload(source, self._at.key)

    def write_text(self, text: str) -> None:
        """Write a text to the location."""
        with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
            path = Path(folder) / "text"
            path.write_text(text, encoding="utf-8")
            self.publish_file(path)

    def publish_folder(self, source: Path, last: str) -> None:
        """Write all files of a folder below the location, `last` after all others."""
        self._check_key()
        files = {
            self._at.below + path.relative_to(source).as_posix(): path
            for path in source.rglob("*")
            if path.is_file()
        }
        end = self._at.below + last
        # Whoever looks in between must not find the mark of the folder that was there before.
        self._remove(end)
        each(lambda key: self._upload(files[key], key), [key for key in files if key != end])
        each(self._remove, [key for key in self._keys(self._at.below) if key not in files])
        self._upload(files[end], end)

    def remove(self) -> None:
        """Remove the object and all below."""
        self._check_key()
        each(self._remove, [self._at.key, *self._keys(self._at.below)])

    def _check_key(self) -> None:
        if not self._at.key:
            raise ParameterError(f"uri={shown(self._uri)}: a whole bucket; name a key in it")

    def _is_object(self) -> bool:
        key = self._at.key
        return bool(key) and attempted(self._uri, lambda: self._store.stat(key)) is not None

    def _keys(self, prefix: str) -> list[str]:
        return attempted(self._at.uri(prefix), lambda: self._store.keys(prefix))

    def _remove(self, key: str) -> None:
        attempted(self._at.uri(key), lambda: self._store.remove(key))

    def _name(self, key: str) -> str:
        name = key[len(self._at.below) :]
        return "/".join(_safe(self._at.uri(key), part) for part in name.split("/"))

    def _download(self, key: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)

        def download() -> None:
            with target.open("wb") as file:
                _read(self._store, key, file.write)

        attempted(self._at.uri(key), download)

    def _upload(self, source: Path, key: str) -> None:
        digest = fingerprint.of_file(source)
        attempted(self._at.uri(key), lambda: _write(self._store, source, key, digest))


def _check_names(bucket: str, keys: Sequence[str]) -> None:
    """Refuse a file that would have to be a folder too; keys may be so, paths may not."""
    all_keys = set(keys)
    both = [
        str(above) for key in keys for above in PurePosixPath(key).parents if str(above) in all_keys
    ]
    if both:
        raise DataError(f"uri={shown(bucket + both[0])}: a file and a folder; remove one of them")


def _safe(uri: str, part: str) -> str:
    """Refuse what would leave the folder that a copy goes to."""
    if part in ("", ".", ".."):
        raise DataError(f"uri={shown(uri)}: part {shown(part)} cannot name a file; rename it")
    return part


def _nothing(_data: bytes) -> None:
    """Take the bytes that only are to be measured."""


def _read(store: Store, key: str, write: Callable[[bytes], object]) -> str:
    """Read an object once, whole and undamaged, and return its SHA-256."""
    info = store.stat(key)
    if info is None:
        raise AbsentError(key)
    meter = checksums.Meter(info)

    def take(data: bytes) -> None:
        meter.update(data)
        write(data)

    store.read(key, take)
    meter.check()
    return meter.sha256


def _bytes(store: Store, key: str) -> bytes:
    info = store.stat(key)
    if info and info.size > MOST_TEXT:
        raise RefusedError(f"{info.size} bytes, and a text has {MOST_TEXT} at most")
    pieces: list[bytes] = []
    _read(store, key, pieces.append)
    return b"".join(pieces)


def _write(store: Store, source: Path, key: str, digest: str) -> None:
    """Write an object once and verify it by the store's checksum, or else by reading it back."""
    store.upload(source, key, digest)
    info = store.stat(key)
    if info is None:
        raise PassingError("it was written and is not there")
    if info.size == source.stat().st_size and _agrees(source, info):
        return
    digest_of_copy = _read(store, key, _nothing)
    if digest_of_copy != digest:
        store.remove(key)
        raise PassingError("the copy differs from the original")


def _agrees(source: Path, info: ObjectInfo) -> bool:
    return any(checksums.of_file(source, info).agreements().values())
