"""Files and folders by URI: a plain path, file://, s3://, minio:// or gs://.

The one door to data, user modules, models and artifacts. A mounted volume is a plain path.
A file appears whole or not at all; a folder counts as published when the file that its
publisher names as the last one is there, because object stores rename nothing.

Endpoints and credentials come from the environment and from mounted files:

    s3://     AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or S3_ENDPOINT (else AWS); AWS_ACCESS_KEY_ID
              and AWS_SECRET_ACCESS_KEY, a web identity token, AWS_SHARED_CREDENTIALS_FILE, or
              the instance's role; AWS_REGION; AWS_CA_BUNDLE
    minio://  MINIO_ENDPOINT, MINIO_ACCESS_KEY and MINIO_SECRET_KEY first, then those of s3://;
              without any endpoint KFP's own store, seaweedfs.kubeflow:9000
    gs://     application default credentials (GOOGLE_APPLICATION_CREDENTIALS, workload
              identity); STORAGE_EMULATOR_HOST

What may pass (connections, 429, 5xx, incomplete copies) is tried five times with back-off; what
is refused is an error at once.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kanaria.components.shared.artifacts import fingerprint as content
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import atomic, local, location
from kanaria.components.shared.storage.object_files import Objects


def local_path(uri: str) -> Path:
    """Return the path of a plain path or a `file://` URI; mounted volumes are plain paths.

    Raises:
        ParameterError: the URI has another scheme, so it is no path of this machine.
    """
    if is_remote(uri):
        raise ParameterError(f"uri={shown(uri)}: no path of this machine; fetch it first")
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path) if parts.scheme else uri)
    schemes = ", ".join(f"{name}://" for name in ("file", *location.SCHEMES))
    raise ParameterError(
        f"uri={shown(uri)}: scheme {shown(parts.scheme)} is not supported; use a path, {schemes}"
    )


def _remote(uri: str) -> Objects | None:
    at = location.parse(uri)
    return Objects(at) if at else None


def check(uri: str) -> None:
    """Raise ParameterError unless the URI has a scheme that is read, and a bucket if it needs one.

    Nothing is asked of any store.
    """
    if location.parse(uri) is None:
        local_path(uri)


def is_remote(uri: str) -> bool:
    """Tell whether the URI names something in an object store."""
    return location.is_remote(uri)


def join(uri: str, *parts: str) -> str:
    """Return the URI of something below `uri`."""
    return "/".join([uri.rstrip("/"), *parts])


def absolute(uri: str) -> str:
    """Return the URI so that it means the same in any working directory; links stay links."""
    return uri if is_remote(uri) else str(local_path(uri).absolute())


def resolved(uri: str) -> str:
    """Return the one URI of a file or folder of this machine, whatever links lead to it."""
    return uri if is_remote(uri) else str(local_path(uri).resolve())


def matches(pattern: str) -> list[str]:
    """Return the sorted URIs of the files that a pattern (`*`, `?`, `[...]`, `**`) names.

    Names that begin with `.` or `_`, but for `_key=value`, match only where that part of the
    pattern begins so, as Hadoop and Spark leave them out: a writer's own files. A name without
    wildcards matches itself. A bucket's name holds no wildcards.
    """
    remote = _remote(pattern)
    return remote.matches() if remote else local.matches(local_path(pattern))


def exists(uri: str) -> bool:
    """Tell whether a file, or a folder that holds a file, has this URI."""
    remote = _remote(uri)
    return remote.exists() if remote else local.exists(local_path(uri))


def sha256(uri: str) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits, read as a stream.

    Raises:
        DataError: there is no such file.
        NotReadyError: the store does not answer.
    """
    remote = _remote(uri)
    return remote.sha256() if remote else content.of_file(_existing(uri))


def fingerprint(uri: str) -> str:
    """Return the fingerprint of a file or a folder, equal to that of any copy of it.

    See `kanaria.components.shared.artifacts.fingerprint.of_tree`; remote files are read as streams.

    Raises:
        NotReadyError: the store does not answer.
    """
    remote = _remote(uri)
    return remote.fingerprint() if remote else content.of_tree(local_path(uri))


def _existing(uri: str) -> Path:
    path = local_path(uri)
    if not path.exists():
        raise DataError(f"uri={shown(uri)}: no such file or folder; check the path")
    return path


def fetched(uri: str, folder: Path) -> Path:
    """Return a local path with the content of the file or the folder at `uri`.

    What is local already is returned as it is; else it is copied to `folder/<last part of the
    URI>` and the copy verified. The caller owns `folder`.

    Raises:
        DataError: there is nothing at the URI.
        ParameterError: the URI is malformed, or the store refuses.
        NotReadyError: the store does not answer, or the copy stays incomplete after retries.
    """
    remote = _remote(uri)
    return remote.fetched(folder) if remote else _existing(uri)


def copied(uri: str, folder: Path) -> Path:
    """Return a copy of the file or the folder at `uri`, which nobody else has: of local ones too.

    Links stay links: whoever must not follow them finds them in the copy.

    Args:
        uri: what to copy.
        folder: where `<last part of the URI>` is made; the caller owns it.

    Raises:
        KanariaError: as `fetched` does.
    """
    remote = _remote(uri)
    return remote.fetched(folder) if remote else local.copied(_existing(uri), folder)


@contextmanager
def opened(uri: str) -> Iterator[Path]:
    """Yield a local path with the content of the file or folder at `uri`, for the block's time.

    Raises:
        KanariaError: as `fetched` does.
    """
    if not is_remote(uri):
        yield _existing(uri)
        return
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        yield fetched(uri, Path(folder))


def read_text(uri: str) -> str:
    """Return the UTF-8 text of a small file.

    Raises:
        DataError: there is no such file, or it cannot be read, or it is not UTF-8.
        NotReadyError: the store does not answer.
    """
    remote = _remote(uri)
    try:
        return remote.read_text() if remote else _existing(uri).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"uri={shown(uri)}: not UTF-8; save it as UTF-8") from error
    except OSError as error:  # A folder, or no permission.
        raise DataError(f"uri={shown(uri)}: {error.strerror}; name a file") from error


def tail(uri: str, most: int) -> bytes:
    """Return the last `most` bytes of a file, or all of a smaller one, whatever its size.

    Raises:
        DataError: there is no such file, or it cannot be read.
        NotReadyError: the store does not answer.
    """
    remote = _remote(uri)
    if remote:
        return remote.tail(most)
    try:
        with _existing(uri).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
            return file.read(most)
    except OSError as error:  # A folder, or no permission.
        raise DataError(f"uri={shown(uri)}: {error.strerror}; name a file") from error


def write_text(uri: str, text: str) -> None:
    """Write a small file, whole or not at all.

    Raises:
        NotReadyError: the store does not answer after retries.
    """
    remote = _remote(uri)
    if remote:
        remote.write_text(text)
    else:
        atomic.write_text(local_path(uri), text)


def publish(source: Path, uri: str, last: str = "") -> None:
    """Copy a file or a folder to its final URI and verify the copy.

    Args:
        source: local file or folder.
        uri: where it goes; what is there is replaced.
        last: relative name of the file of a folder that is written after all others: whoever
            sees it sees the whole folder. Needed where `source` is a folder.

    Raises:
        ParameterError: `source` is a folder without a file `last`, or the store refuses.
        NotReadyError: the store does not answer after retries; nothing is visible as complete.
    """
    folder = source.is_dir()
    if folder and not (last and (source / last).is_file()):
        raise ParameterError(f"last={shown(last)}: no file of {source}; name one that is")
    remote = _remote(uri)
    if remote is None:
        local.publish(source, local_path(uri))
    elif folder:
        remote.publish_folder(source, last)
    else:
        remote.publish_file(source)


def remove(uri: str) -> None:
    """Remove a file or a folder; nothing there is fine.

    Raises:
        ParameterError: the URI is a whole bucket.
        NotReadyError: the store does not answer after retries.
    """
    remote = _remote(uri)
    if remote:
        remote.remove()
    else:
        atomic.remove(local_path(uri))
