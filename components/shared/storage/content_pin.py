"""A file or a folder with the content it had when a run began: `<URI>#sha256=<64 hex digits>`.

A step's key, KFP's on a cluster too, knows a parameter by its text alone. The pin makes a text of
the content, so a step runs again when what lies at the URI has changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files


def pinned(name: str, uri: str) -> str:
    """Return the URI, absolute, with the fingerprint of what lies there; "" stays so.

    Args:
        name: the parameter, for messages.
        uri: of a file or a folder; one that has a pin stays as it is.

    Raises:
        DataError: nothing lies there.
        NotReadyError: the store does not answer.
    """
    if not uri or PIN in uri:
        return uri
    if not uri_files.exists(uri):
        raise DataError(f"{name}={shown(uri)}: no such file or folder; check it")
    return uri_files.absolute(uri) + PIN + uri_files.fingerprint(uri)


@contextmanager
def opened(name: str, uri: str) -> Iterator[Path]:
    """Yield a local path with the content of a file or folder, which must be that of its pin.

    Raises:
        DataError: nothing lies there, or its content has changed since it was pinned.
        NotReadyError: the store does not answer.
    """
    place, _, digits = uri.partition(PIN)
    with uri_files.opened(place) as path:
        if digits and fingerprint.of_tree(path) != digits:
            raise DataError(
                f"{name}={shown(place)}: the content changed since it was pinned; run again from "
                "resolve_span"
            )
        yield path
