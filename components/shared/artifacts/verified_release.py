"""The one door to what lies in a release: whoever loads a part of one opens it here.

Where keys are asked for, by the caller or by KANARIA_VERIFY_KEY, a part is copied to a folder of
this process' own first, then verified there, and loaded from there: what is loaded is what was
verified, whoever writes into the store meanwhile. A signature is of a whole release, and a part is
verified with the record, which says of which model and service the release is: so the parts of
another release, signed as they are, do not pass under this one's name.

Without keys a part is opened as it lies.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.artifacts import (
    release,
    signed_files,
    signed_manifest,
    verify_keys,
)
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import uri_files

Signed = Mapping[str, str]
"""Name of a file in the release -> SHA-256 of its bytes."""


@contextmanager
def opened(uri: str, part: str, keys: VerifyKeys | None = None) -> Iterator[Path | None]:
    """Yield the local folder of a part of a release, for the block's time.

    Args:
        uri: of the release.
        part: name of the part in it, as `release.MODEL`.
        keys: that it must be signed for; None for those of the environment, if it names any.

    Yields:
        The folder; None where the release has no such part.

    Raises:
        DataError: the release is not signed, or this part is not what was signed.
        ParameterError: the keys cannot be used, or the store refuses.
        NotReadyError: the store does not answer.
    """
    trusted_keys = keys or verify_keys.of_environment()
    place = uri_files.join(uri, part)
    if trusted_keys is None:
        if not uri_files.exists(place):
            yield None
            return
        with uri_files.opened(place) as path:
            yield path
        return
    with tempfile.TemporaryDirectory(prefix="kanaria-release-") as scratch:
        yield taken(uri, part, Path(scratch), trusted_keys)


def record(uri: str, keys: VerifyKeys | None = None) -> Record:
    """Return what a release says of itself, verified where keys are asked for, as `opened` does."""
    trusted_keys = keys or verify_keys.of_environment()
    if trusted_keys is None:
        return release.read_record(uri)
    with tempfile.TemporaryDirectory(prefix="kanaria-release-") as scratch:
        signed = _signed(uri, Path(scratch), trusted_keys)
        return _own_record(uri, Path(scratch), signed)


def taken(uri: str, part: str, folder: Path, keys: VerifyKeys) -> Path | None:
    """Return the verified copy of a part of a release; None where it has no such part.

    Args:
        uri: of the release.
        part: name of the part in it.
        folder: the caller's own, for the copies; what is there already is verified and not copied.
        keys: that the release must be signed for.

    Raises:
        KanariaError: as `opened` does.
    """
    signed = _signed(uri, folder, keys)
    _own_record(uri, folder, signed)
    target, place = folder / part, uri_files.join(uri, part)
    if not target.exists() and uri_files.exists(place):
        if not uri_files.is_remote(place):  # A pipe in it could not be copied.
            source = uri_files.local_path(uri)
            signed_files.require_plain(source, source / part, uri)
        uri_files.copied(place, folder)
    signed_files.require_equal(folder, signed, part, uri)
    return target if target.exists() else None


def check(uri: str, keys: VerifyKeys) -> Record:
    """Verify all of a release as it lies in its store now; return its record.

    Raises:
        KanariaError: as `opened` does.
    """
    with uri_files.opened(uri) as folder:
        return check_folder(uri, folder, keys)


def check_folder(uri: str, folder: Path, keys: VerifyKeys) -> Record:
    """Verify a whole copy of a release; return its record.

    Args:
        uri: of the release.
        folder: what lies there, or a copy of it.
        keys: that it must be signed for.

    Raises:
        KanariaError: as `opened` does.
    """
    signed = _signed(uri, folder, keys)
    signed_files.require_equal(folder, signed, "", uri, ignored=release.UNSIGNED)
    return _own_record(uri, folder, signed)


def _signed(uri: str, folder: Path, keys: VerifyKeys) -> Signed:
    """Return what is signed, by the signature in the folder, copied there unless it is."""
    copy, place = folder / release.SIGNATURE, uri_files.join(uri, release.SIGNATURE)
    if not copy.is_file():
        if not uri_files.exists(place):
            raise DataError(
                f"{uri}: not signed: there is no {place}; sign it by a push or by `kanaria sign`"
            )
        uri_files.copied(place, folder)
    return signed_manifest.of_signature(uri_files.read_text(str(copy)), keys, uri)


def _own_record(uri: str, folder: Path, signed: Signed) -> Record:
    """Return the verified record of a release, copied unless it is there, if it is of this one."""
    place = uri_files.join(uri, release.LINEAGE)
    copy = folder / release.LINEAGE
    if not copy.is_file() and uri_files.exists(place):
        uri_files.copied(place, folder)
    signed_files.require_equal(folder, signed, release.LINEAGE, uri)
    if not copy.is_file():
        raise DataError(f"{uri}: its signature is of no release, it has no {release.LINEAGE}")
    said = release.parse_record(uri_files.read_text(str(copy)), place)
    *_, service, name = ("", *uri_files.resolved(uri).rstrip("/").split("/"))
    own = f"{said.service}/{said.fingerprint[: release.NAME_LENGTH]}"
    if f"{service}/{name}" != own:
        raise signed_manifest.refused(
            uri, f"it is the signed release {own} under another name", f"put it at .../{own}"
        )
    return said
