"""What a signature says was signed: file name -> SHA-256, after the signature itself was verified.

The form is that of the OpenSSF's model signing 1.0: a sigstore bundle around an in-toto statement
in a DSSE envelope (https://github.com/secure-systems-lab/dsse), signed by ECDSA. It is read here,
and not by the OpenSSF's library, since that resolves beside no library of the training steps, which
load releases too. What the library signs and what its own tool verifies is the same file.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.one_line import one_line

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://model_signing/signature/v1.0"
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
"""What reading something else than a signature raises; a base64 that is none is a ValueError."""
SIGN_AGAIN = "give the key it was signed with, or remove its signature and sign it again"


def of_signature(text: str, keys: VerifyKeys, name: str) -> Mapping[str, str]:
    """Return file name -> SHA-256 of its bytes, as one of the keys' owners has signed them.

    Args:
        text: the signature.
        keys: that it may be made with.
        name: what a message calls what was signed, for instance its URI.

    Raises:
        DataError: it is no signature, or none by these keys.
        ParameterError: the keys cannot be used.
    """
    try:
        bundle = json.loads(text)
        envelope = bundle["dsseEnvelope"]
        (signature,) = envelope["signatures"]
        made, payload = _decoded(signature["sig"]), _decoded(envelope["payload"])
        kind, hint = envelope["payloadType"], _hint(bundle)
        signed = _encoded(kind, payload)
    except MALFORMED as error:
        raise _unreadable(name, error) from error
    usable = keys.by_hash()
    if hint and hint not in usable:
        raise refused(name, f"it was signed with another key than {keys.name}", SIGN_AGAIN)
    candidates = [usable[hint]] if hint else list(usable.values())
    if not any(_is_by(key, made, signed) for key in candidates):
        raise refused(name, f"its signature was not made with {keys.name}", SIGN_AGAIN)
    try:
        return _digests(kind, payload)
    except MALFORMED as error:
        raise _unreadable(name, error) from error


def refused(name: str, why: str, remedy: str) -> DataError:
    """Return the error that something is not what was signed."""
    return DataError(f"{name}: not the signed release: {why}; {remedy}")


def _unreadable(name: str, error: Exception) -> DataError:
    return refused(name, f"its signature is unreadable ({shown(one_line(error))})", SIGN_AGAIN)


def _hint(bundle: Mapping[str, Any]) -> str:
    """Return the hash of the key that a signature names; anybody may name any."""
    hint = bundle["verificationMaterial"]["publicKey"].get("hint", "")
    if not isinstance(hint, str):
        raise TypeError("its key's hint is no text")
    return hint


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def _encoded(kind: str, payload: bytes) -> bytes:
    """Return what a DSSE envelope's signature is over: its pre-authentication encoding."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def _is_by(key: "EllipticCurvePublicKey", made: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    algorithm = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    try:
        key.verify(made, signed, ec.ECDSA(algorithm[key.curve.key_size]))
    except InvalidSignature:
        return False
    return True


def _digests(kind: str, payload: bytes) -> dict[str, str]:
    statement = json.loads(payload)
    form = (kind, statement["_type"], statement["predicateType"])
    if form != (PAYLOAD, STATEMENT, PREDICATE):
        raise ValueError(f"it is of another form: {form}")
    files = statement["predicate"]["resources"]
    if any(each["algorithm"] != "sha256" for each in files):
        raise ValueError("its files were not hashed by SHA-256")
    digests = {str(each["name"]): str(each["digest"]) for each in files}
    if len(digests) != len(files):
        raise ValueError("it names a file twice")
    return digests
