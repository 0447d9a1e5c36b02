"""Pairs of keys, as `openssl` makes them, and a small model to sign."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass(frozen=True)
class Pair:
    """Files of a private key and its public one."""

    private: Path
    public: Path


def pair(folder: Path, name: str, curve: ec.EllipticCurve | None = None) -> Pair:
    """Make a pair of keys, of P-256 unless another curve is named."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    made = Pair(folder / f"{name}.pem", folder / f"{name}.pub.pem")
    made.private.write_bytes(written(key))
    form = PublicFormat.SubjectPublicKeyInfo
    made.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, form))
    return made


def written(key, passphrase: bytes = b"") -> bytes:
    """Return a private key of any kind as PEM."""
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
