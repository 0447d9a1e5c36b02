"""Files and folders by URI: a plain path, file://, s3://, minio:// or gs://.

The one door to data, user modules, models and artifacts. A mounted volume is a plain path.
A file appears whole or not at all; a folder counts as published when the file that its
publisher names as the last one is there, because object stores rename nothing.
"""

import glob
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kanaria.components.shared import atomic
from kanaria.components.shared import fingerprint as content
from kanaria.components.shared.errors import DataError, ParameterError, shown


def local_path(uri: str) -> Path:
    """Return the path of a plain path or a `file://` URI; mounted volumes are plain paths.

    Raises:
        ParameterError: the URI has a scheme that this version does not read.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path) if parts.scheme else uri)
    raise ParameterError(
        f"uri={shown(uri)}: scheme {shown(parts.scheme)} is not supported; "
        "use a path, file://, or a mounted volume"
    )


def is_remote(uri: str) -> bool:
    """Tell whether the URI names something in an object store."""
    return urlsplit(uri).scheme in ("s3", "minio", "gs")


def join(uri: str, *parts: str) -> str:
    """Return the URI of something below `uri`."""
    return "/".join([uri.rstrip("/"), *parts])


def absolute(uri: str) -> str:
    """Return the URI so that it means the same in any working directory."""
    return uri if is_remote(uri) else str(local_path(uri).resolve())


def matches(pattern: str) -> list[str]:
    """Return the sorted URIs of the files that a pattern (`*`, `?`, `[...]`, `**`) names.

    Hidden files match only where the pattern says so. A name without wildcards matches itself.
    """
    path = local_path(pattern)
    if path.is_file():  # Also a name that holds brackets.
        return [str(path)]
    # Path.glob would also match hidden files, such as an editor's copies.
    names = glob.glob(str(path), recursive=True)  # noqa: PTH207
    return sorted(name for name in names if Path(name).is_file())


def exists(uri: str) -> bool:
    """Tell whether a file, or a folder that is not empty, has this URI."""
    path = local_path(uri)
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def sha256(uri: str) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits, read as a stream.

    Raises:
        DataError: there is no such file.
    """
    return content.of_file(fetched(uri, Path()))


def fetched(uri: str, folder: Path) -> Path:
    """Return a local path with the content of the file or the folder at `uri`.

    What is local already is returned as it is; else it is copied to `folder/<last part of the
    URI>` and the copy verified. The caller owns `folder`.

    Raises:
        DataError: there is nothing at the URI.
        NotReadyError: the store does not answer, or the copy stays incomplete after retries.
    """
    path = local_path(uri)
    if not path.exists():
        raise DataError(f"uri={shown(uri)}: no such file or folder; check the path")
    return path


def read_text(uri: str) -> str:
    """Return the UTF-8 text of a small file.

    Raises:
        DataError: there is no such file, or it is not UTF-8.
    """
    try:
        return fetched(uri, Path()).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"uri={shown(uri)}: not UTF-8; save it as UTF-8") from error


def write_text(uri: str, text: str) -> None:
    """Write a small file, whole or not at all."""
    atomic.write_text(local_path(uri), text)


def publish(source: Path, uri: str, last: str = "") -> None:
    """Copy a file or a folder to its final URI and verify the copy.

    Args:
        source: local file or folder.
        uri: where it goes; what is there is replaced.
        last: relative name of the file of a folder that is written after all others: whoever
            sees it sees the whole folder. Needed where `source` is a folder.

    Raises:
        NotReadyError: the store does not answer after retries; nothing is visible as complete.
    """
    with atomic.published(local_path(uri)) as temporary:
        if source.is_dir():
            shutil.copytree(source, temporary)
        else:
            shutil.copyfile(source, temporary)


def remove(uri: str) -> None:
    """Remove a file or a folder; nothing there is fine."""
    atomic.remove(local_path(uri))
