"""Signs a release with a private key, by the OpenSSF's model signing 1.0.

The signature is a file in the release's folder: a sigstore bundle around the SHA-256 of every file
of the release but those that are written after it was signed. `verified_release` checks it.

Keys are elliptic (P-256, P-384, P-521) and come as PEM files. A private key is read by the signer
alone, and nothing of it is in a message.
"""

import json
import re
import tempfile
from pathlib import Path

from kanaria.components.shared.artifacts import release, signed_files
from kanaria.components.shared.artifacts.verify_keys import KEYS
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.one_line import one_line

DIGEST = re.compile("[0-9a-f]{64}")
UNREADABLE = (OSError, ValueError, TypeError, AttributeError)
"""What the library raises at a key that it cannot use."""


def sign(folder: Path, private_key: Path) -> str:
    """Return the signature of the files of a release.

    Args:
        folder: of the release; it holds files and folders only.
        private_key: PEM file of an elliptic key, without a passphrase.

    Raises:
        ParameterError: the key cannot be used.
        DataError: a file cannot be read, or something is a link.
    """
    from model_signing import hashing, signing

    try:
        config = signing.Config().use_elliptic_key_signer(private_key=private_key)
    except UNREADABLE as error:
        raise _unusable(private_key, error) from None
    signed_files.require_plain(folder, folder, str(folder))
    # The library leaves files of git out where it is not told otherwise.
    files = hashing.Config().set_ignored_paths(paths=release.UNSIGNED, ignore_git_paths=False)
    with tempfile.TemporaryDirectory(prefix="kanaria-signature-") as scratch:
        signature = Path(scratch) / "signature"
        try:
            config.set_hashing_config(files).sign(folder.resolve(), signature)
        except (OSError, ValueError) as error:
            raise DataError(f"{folder}: cannot be signed: {one_line(error)}") from error
        return signature.read_text(encoding="utf-8")


def public_key(private_key: Path) -> str:
    """Return the public key of a private one, as PEM.

    Raises:
        ParameterError: the key cannot be used.
    """
    from cryptography.hazmat.primitives import serialization

    check_signing_key(private_key)
    own = serialization.load_pem_private_key(private_key.read_bytes(), None).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return own.public_bytes(serialization.Encoding.PEM, form).decode("ascii")


def check_signing_key(private_key: Path) -> None:
    """Raise a ParameterError unless the file holds a private key that can sign."""
    from model_signing import signing

    try:
        signing.Config().use_elliptic_key_signer(private_key=private_key)
    except UNREADABLE as error:
        raise _unusable(private_key, error) from None


def key_of(signature: str) -> str:
    """Return the SHA-256 of the public key (its PEM) that a signature names, "" if it names none.

    Anybody may name any key: only `verify` tells whether it is true.
    """
    try:
        hint = json.loads(signature)["verificationMaterial"]["publicKey"]["hint"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return hint if isinstance(hint, str) and DIGEST.fullmatch(hint) else ""


def _unusable(key: Path, error: Exception) -> ParameterError:
    is_other_kind = isinstance(error, AttributeError)  # RSA and Ed25519 have no curve.
    said = error.strerror if isinstance(error, OSError) else one_line(error)
    why = "another kind of key" if is_other_kind else said
    return ParameterError(f"signing key {shown(str(key))}: {why}; give {KEYS}")
