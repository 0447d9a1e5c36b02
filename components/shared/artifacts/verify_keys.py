"""Public keys that releases must be signed for: of KANARIA_VERIFY_KEY, of a file, or as text.

One file may hold several keys, one PEM block after another: while a signer's key is changed, the
releases of the old key and those of the new one are both taken.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.one_line import one_line

if TYPE_CHECKING:  # It is loaded by who verifies alone.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

VERIFY_KEY = "KANARIA_VERIFY_KEY"
"""Path, or text, of the public key that releases must be signed for; the environment variable."""
BLOCK = re.compile("-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
CURVES = ("secp256r1", "secp384r1", "secp521r1")
KEYS = "a PEM file of an elliptic key (P-256, P-384 or P-521)"


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyKeys:
    """Keys any of which a release may be signed for.

    Attributes:
        name: what a message calls them, for instance their file.
        pem: their PEM blocks, one or more.
    """

    name: str
    pem: str

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Return the keys in a file.

        Raises:
            ParameterError: it cannot be read, or holds no key that verifies.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not text"
            raise _unusable(str(path), str(why)) from None
        return cls.of_text(text, str(path))

    @classmethod
    def of_text(cls, text: str, name: str) -> Self:
        """Return the keys in a text.

        Raises:
            ParameterError: there is none that verifies.
        """
        keys = cls(name=name, pem="\n".join(BLOCK.findall(text)) + "\n")
        keys.by_hash()
        return keys

    def by_hash(self) -> Mapping[str, "EllipticCurvePublicKey"]:
        """Return SHA-256 of a key's PEM, by which signatures name it -> the key.

        Raises:
            ParameterError: there is no key, or one of another kind.
        """
        blocks = BLOCK.findall(self.pem)
        if not blocks:
            raise _unusable(self.name, "no PUBLIC KEY in it")
        keys = [_loaded(block, self.name) for block in blocks]
        return {_hash(key): key for key in keys}


def of_environment() -> VerifyKeys | None:
    """Return the keys that this process' environment asks for, None for none.

    Raises:
        ParameterError: the variable holds no key, and names no file with one.
    """
    value = os.environ.get(VERIFY_KEY, "")
    if "-----" in value:
        return VerifyKeys.of_text(value, VERIFY_KEY)
    return VerifyKeys.of_file(Path(value)) if value else None


def of_step(text: str, step: str) -> VerifyKeys | None:
    """Return the keys that a step is given, else those of its environment, None for none.

    Args:
        text: the PEM of keys, as resolve_deployed gives it; or "".
        step: name of the step, for messages.

    Raises:
        ParameterError: it holds no key.
    """
    return VerifyKeys.of_text(text, f"verify_key of {step}") if text else of_environment()


def _loaded(block: str, name: str) -> "EllipticCurvePublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(block.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(name, one_line(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _unusable(name, "another kind of key")
    return key


def _hash(key: "EllipticCurvePublicKey") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(pem).hexdigest()


def _unusable(name: str, why: str) -> ParameterError:
    return ParameterError(f"verifying key {shown(name)}: {why}; give {KEYS}")
