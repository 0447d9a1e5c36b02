"""Signs a release and checks its signature, before anything points at it.

What is checked is what lies in the store: a model in a bucket is fetched for it once more, since
what this push has copied there may be another's by now.
"""

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from kanaria.components.shared.artifacts import model_signature, release
from kanaria.components.shared.artifacts.model_signature import check_signing_key, check_verify_key
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.serving import signature_keys
from kanaria.serving.delivery import Delivery
from kanaria.serving.signature_keys import VERIFY_KEY, SignatureKeys

logger = logging.getLogger(__name__)


def keys_of(settings: Delivery, faults: Faults) -> SignatureKeys:
    """Return the keys that a delivery asks for, which lie where the push runs; add their faults."""
    signing = _key("delivery.signing_key", settings.signing_key, check_signing_key, faults)
    verifying = _key("delivery.verify_key", settings.verify_key, check_verify_key, faults)
    if not settings.verify_key:
        text = os.environ.get(VERIFY_KEY, "")
        verifying = _key(VERIFY_KEY, text, check_verify_key, faults)
    return SignatureKeys(signing=signing, verifying=verifying)


def _key(name: str, text: str, check: Callable[[Path], None], faults: Faults) -> Path | None:
    try:
        if path := signature_keys.path_of(name, text):
            check(path)
        return path
    except ParameterError as error:
        faults.add(str(error))
        return None


def settle(published: str, source: Path, keys: SignatureKeys) -> None:
    """Sign a published release where that is asked for and not done, and verify what is published.

    Args:
        published: URI of the release, whose model was found equal to the source.
        source: folder of the model that is pushed; it is what is signed.
        keys: of the signer and the verifier; without any nothing is done.

    Raises:
        DataError: the release is not signed, or its model is not the signed one.
        NotReadyError: a store does not answer.
    """
    if not (keys.signing or keys.verifying):
        return
    model = uri_files.join(published, release.MODEL)
    signature = release.signature_uri(model)
    if keys.signing and not uri_files.exists(signature):
        uri_files.write_text(signature, model_signature.sign(source, keys.signing))
        logger.info("%s: signed", model)
    with tempfile.TemporaryDirectory(prefix="kanaria-key-") as folder:
        key = keys.verifying
        if keys.signing and key is None:
            key = Path(folder) / "the signer's own key"
            key.write_text(model_signature.public_key(keys.signing), encoding="ascii")
        if key:
            verify(model, key)


def verify(model: str, key: Path) -> None:
    """Raise unless the model at a URI is the one that was signed by the owner of a key.

    Args:
        model: URI of a release's model.
        key: PEM file of the public key.

    Raises:
        DataError: there is no signature, it is another's, or the files are not the signed ones.
        ParameterError: the key cannot be used.
        NotReadyError: the store does not answer.
    """
    signature = release.signature_uri(model)
    if not uri_files.exists(signature):
        raise DataError(f"{model}: not signed: there is no {signature}; sign it, by a push")
    with uri_files.opened(model) as folder, uri_files.opened(signature) as file:
        model_signature.verify(folder, file, key, model)
