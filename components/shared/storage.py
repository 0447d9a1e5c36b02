"""Where URIs become paths on this machine."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from kanaria.components.shared.errors import ParameterError, shown


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
