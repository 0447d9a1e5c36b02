"""Signs a release and checks its signature, before anything points at it.

What is signed and what is checked is what lies in the store, copied from there: what this push has
published may be another's by now. So nothing is signed that is not equal to what is pushed.
"""

import logging
import tempfile
from pathlib import Path

from kanaria.components.push.publish_release import Sources
from kanaria.components.shared.artifacts import (
    fingerprint,
    model_signature,
    release,
    verified_release,
)
from kanaria.components.shared.artifacts.model_signature import check_signing_key
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.serving import signature_keys
from kanaria.serving.delivery_mapping import Delivery
from kanaria.serving.signature_keys import SignatureKeys

logger = logging.getLogger(__name__)


def keys_of(settings: Delivery, faults: Faults) -> SignatureKeys:
    """Return the keys that a delivery asks for, which lie where the push runs; add their faults."""
    signing: Path | None = None
    verifying: VerifyKeys | None = None
    try:
        signing = signature_keys.path_of("delivery.signing_key", settings.signing_key)
        if signing:
            check_signing_key(signing)
    except ParameterError as error:
        faults.add(str(error))
    try:
        verifying = signature_keys.verifying(settings.verify_key)
    except ParameterError as error:
        faults.add(str(error))
    return SignatureKeys(signing=signing, verifying=verifying)


def settle(published: str, sources: Sources, keys: SignatureKeys) -> None:
    """Sign a published release where that is asked for and not done, and verify what is published.

    Args:
        published: URI of the release.
        sources: what is pushed.
        keys: of the signer and the verifier; without any nothing is done.

    Raises:
        DataError: the release is not signed, is not the signed one, or is to be signed and is not
            what is pushed.
        NotReadyError: a store does not answer.
    """
    if not (keys.signing or keys.verifying):
        return
    if keys.signing and not uri_files.exists(uri_files.join(published, release.SIGNATURE)):
        sign(published, keys.signing, _fingerprints(sources))
    if keys.verifying:
        verified_release.check(published, keys.verifying)
    elif keys.signing:
        own = model_signature.public_key(keys.signing)
        name = f"that of {keys.signing}"
        verified_release.check(published, VerifyKeys.of_text(own, name))


def _fingerprints(sources: Sources) -> dict[str, str]:
    return {part: fingerprint.of_tree(folder) for part, folder in sources.parts().items()}


def sign(published: str, private_key: Path, contents: dict[str, str] | None = None) -> str:
    """Sign a release as it lies in its store, in which it is equal to what its record says.

    Args:
        published: URI of the release; it has no signature.
        private_key: PEM file of the signer's key.
        contents: part -> fingerprint of what it must hold; None to believe its record.

    Returns:
        The URI of the signature.

    Raises:
        DataError: it is signed, a part is not what it should be, or a file is of no part.
        ParameterError: the key cannot be used, or the store refuses.
        NotReadyError: the store does not answer.
    """
    place = uri_files.join(published, release.SIGNATURE)
    if uri_files.exists(place):
        raise DataError(f"{place}: it is signed; verify it, remove this file, and sign again")
    with tempfile.TemporaryDirectory(prefix="kanaria-sign-") as scratch:
        copy = uri_files.copied(published, Path(scratch))
        record = release.read_record(str(copy))
        _require(copy, published, contents or dict(record.contents))
        text = model_signature.sign(copy, private_key)
    uri_files.write_text(place, text)
    logger.info("%s: signed", published)
    return place


def _require(copy: Path, published: str, contents: dict[str, str]) -> None:
    """Raise unless a copy of a release holds these parts, and no other beside its record."""
    unsigned = {release.LINEAGE, *release.UNSIGNED}
    parts = {path.name for path in copy.iterdir() if path.name not in unsigned}
    wrong = [
        part
        for part in sorted(parts | contents.keys())
        if fingerprint.of_tree(copy / part) != contents.get(part)
    ]
    if wrong:
        raise DataError(
            f"{published}: not signed: {', '.join(wrong)} is not what would be signed; remove the "
            "folder and push again"
        )
