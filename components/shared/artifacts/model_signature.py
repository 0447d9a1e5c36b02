"""Signatures of models: made with a private key, checked with its public one.

The signature is a file beside the model's folder, in the form of the OpenSSF's model signing 1.0: a
sigstore bundle around the SHA-256 of every file. Whoever checks one hashes every file that lies
there, so that a changed, a missing, an added or a linked file is refused by name.

Keys are elliptic (P-256, P-384, P-521) and come as PEM files. A private key is read by the signer
alone, and nothing of it is in a message.
"""

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.one_line import one_line

if TYPE_CHECKING:  # They load sigstore, which takes a second that only who signs or verifies has.
    from model_signing import hashing, verifying

DIGEST = re.compile("[0-9a-f]{64}")
MOST_NAMED = 5
"""Files that a message names."""
KEYS = "a PEM file of an elliptic key (P-256, P-384 or P-521)"
UNREADABLE = (OSError, ValueError, TypeError, AttributeError)
"""What the library raises at a key that it cannot use."""
NO_SIGNATURE = (*UNREADABLE, KeyError, IndexError, RecursionError)
"""What it raises at a file that is no signature."""
MISMATCH = "Signature mismatch"
"""How it begins what it says of files that are not the signed ones."""
OTHER_KEY = "Key mismatch"


def sign(model: Path, private_key: Path) -> str:
    """Return the signature of every file below a folder.

    Args:
        model: the folder; it holds files and folders only.
        private_key: PEM file of an elliptic key, without a passphrase.

    Raises:
        ParameterError: the key cannot be used.
        DataError: a file cannot be read, or something is a link.
    """
    from model_signing import signing

    try:
        config = signing.Config().use_elliptic_key_signer(private_key=private_key)
    except UNREADABLE as error:
        raise _unusable("signing", private_key, error) from None
    _require_plain(model)
    with tempfile.TemporaryDirectory(prefix="kanaria-signature-") as folder:
        signature = Path(folder) / "signature"
        try:
            config.set_hashing_config(_every_file()).sign(model.resolve(), signature)
        except (OSError, ValueError) as error:
            raise DataError(f"{model}: cannot be signed: {one_line(error)}") from error
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
        raise _unusable("signing", private_key, error) from None


def check_verify_key(key: Path) -> None:
    """Raise a ParameterError unless the file holds a public key that can verify."""
    _verifier(key)


def verify(model: Path, signature: Path, key: Path, name: str) -> None:
    """Raise unless a folder holds the files that were signed, all of them and no other.

    Args:
        model: the folder.
        signature: the file.
        key: PEM file of the signer's public key.
        name: what a message calls the model, for instance its URI.

    Raises:
        ParameterError: the key cannot be used.
        DataError: the files are others, or it is no signature by this key; the message names the
            file.
    """
    from cryptography.exceptions import InvalidSignature

    config = _verifier(key).set_hashing_config(_every_file())
    _require_plain(model, name)
    try:
        config.verify(model.resolve(), signature)
    except InvalidSignature as error:
        raise _refused(name, f"its signature was not made with the key {key}") from error
    except NO_SIGNATURE as error:
        _raise_mismatch(model, signature, key, name, error)


def key_of(signature: str) -> str:
    """Return the SHA-256 of the public key (its PEM) that a signature names, "" if it names none.

    Anybody may name any key: only `verify` tells whether it is true.
    """
    try:
        hint = json.loads(signature)["verificationMaterial"]["publicKey"]["hint"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return hint if isinstance(hint, str) and DIGEST.fullmatch(hint) else ""


def _raise_mismatch(
    model: Path, signature: Path, key: Path, name: str, error: Exception
) -> NoReturn:
    """Say in one line what a verification found."""
    text = str(error)
    if text.startswith(OTHER_KEY):
        raise _refused(name, f"it was signed with another key than {key}") from error
    if not text.startswith(MISMATCH):
        raise _refused(name, f"its signature is unreadable ({shown(one_line(error))})") from error
    differences = list(_differences(model, signature))
    more = len(differences) - MOST_NAMED
    rest = f" and {more} more files" if more > 0 else ""
    named = "; ".join(differences[:MOST_NAMED]) or one_line(text)
    raise _refused(name, f"{named}{rest}") from error


def _differences(model: Path, signature: Path) -> Iterator[str]:
    """Yield what is wrong with each file, after the signature itself was found right."""
    bundle = json.loads(signature.read_text(encoding="utf-8"))
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    signed = {each["name"]: each["digest"] for each in statement["predicate"]["resources"]}
    paths = {path.relative_to(model).as_posix(): path for path in model.rglob("*")}
    for name in sorted(signed.keys() | paths.keys()):
        if name not in signed and paths[name].is_file():
            yield f"{_said(name)} was added"
        elif name in signed and not (name in paths and paths[name].is_file()):
            yield f"{_said(name)} is missing"
        elif name in signed and fingerprint.of_file(paths[name]) != signed[name]:
            yield f"{_said(name)} is not what was signed"


def _said(name: str) -> str:
    """Return the name of a file, in quotes where it is more than one word."""
    return name if name.isprintable() and " " not in name else shown(name)


def _every_file() -> "hashing.Config":
    """Return what is hashed: each file, those of git too, which the library leaves out itself."""
    from model_signing import hashing

    return hashing.Config().set_ignored_paths(paths=(), ignore_git_paths=False)


def _verifier(key: Path) -> "verifying.Config":
    from model_signing import verifying

    try:
        return verifying.Config().use_elliptic_key_verifier(public_key=key)
    except UNREADABLE as error:
        raise _unusable("verifying", key, error) from None


def _require_plain(model: Path, name: str = "") -> None:
    """Refuse what is no file and no folder: a link leads to what nobody signed."""
    for path in sorted(model.rglob("*")):
        inner = path.relative_to(model).as_posix()
        if path.is_symlink():
            raise _refused(name or str(model), f"{_said(inner)} is a link, and no file of its own")
        if not path.is_dir() and not path.is_file():
            raise _refused(name or str(model), f"{_said(inner)} is neither a file nor a folder")


def _unusable(what: str, key: Path, error: Exception) -> ParameterError:
    is_other_kind = isinstance(error, AttributeError)  # RSA and Ed25519 have no curve.
    said = error.strerror if isinstance(error, OSError) else one_line(error)
    why = "another kind of key" if is_other_kind else said
    return ParameterError(f"{what} key {shown(str(key))}: {why}; give {KEYS}")


def _refused(name: str, why: str) -> DataError:
    return DataError(f"{name}: not the signed model: {why}")
