"""Signing by the library, and its tool, which signs and verifies the same files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from signed_releases import published
from signing_keys import Pair, pair, written

from kanaria.components.shared.artifacts import model_signature, release, verified_release
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.errors import DataError, ParameterError


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture
def home(tmp_path: Path, keys: Pair) -> Path:
    return published(tmp_path / "models", keys)


KEYS = {
    "of another curve": lambda: written(ec.generate_private_key(ec.SECP256K1())),
    "of RSA": lambda: written(rsa.generate_private_key(65537, 2048)),
    "of Ed25519": lambda: written(ed25519.Ed25519PrivateKey.generate()),
    "with a passphrase": lambda: written(ec.generate_private_key(ec.SECP256R1()), b"secret"),
    "no key": lambda: b"SECRET TEXT",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_that_cannot_sign_is_named_and_not_shown(kind: str, home: Path, tmp_path: Path):
    path = tmp_path / "key.pem"
    path.write_bytes(KEYS[kind]())
    with pytest.raises(ParameterError, match=r"signing key '.*key.pem': .*; give a PEM file") as e:
        model_signature.sign(home, path)
    body = path.read_text().splitlines()[1:2]
    assert "SECRET" not in str(e.value) and not any(line in str(e.value) for line in body if line)


def test_a_file_that_is_not_there_is_named(home: Path, tmp_path: Path):
    with pytest.raises(ParameterError, match=r"none\.pem': No such file"):
        model_signature.sign(home, tmp_path / "none.pem")
    with pytest.raises(ParameterError, match=r"none\.pem': No such file"):
        VerifyKeys.of_file(tmp_path / "none.pem")


def test_the_public_key_is_that_of_the_private_one(keys: Pair, home: Path):
    assert model_signature.public_key(keys.private) == keys.public.read_text()
    signature = (home / release.SIGNATURE).read_text()
    named = json.loads(signature)["verificationMaterial"]["publicKey"]["hint"]
    assert model_signature.key_of(signature) == named
    assert model_signature.key_of("<b>no</b>") == ""


def tool(*words: object) -> int:
    command = [sys.executable, "-m", "model_signing", *map(str, words)]
    return subprocess.run(command, capture_output=True).returncode


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_the_tool_of_others_verifies_what_was_signed_here(
    curve: ec.EllipticCurve, home: Path, tmp_path: Path
):
    own = pair(tmp_path, "curve", curve)
    (home / release.SIGNATURE).write_text(model_signature.sign(home, own.private))
    (home / release.CARD).write_text("written after the release was signed")
    signature = ("--public_key", own.public, "--signature", home / release.SIGNATURE)
    assert tool("verify", "key", home, *signature) == 0
    verified_release.check(str(home), VerifyKeys.of_file(own.public))
    (home / "drift_detector/reference.npz").write_text("other rows")
    assert tool("verify", "key", home, *signature) != 0


def test_the_tool_of_others_verifies_what_tests_have_signed_by_hand(home: Path, keys: Pair):
    signature = ("--public_key", keys.public, "--signature", home / release.SIGNATURE)
    assert tool("verify", "key", home, *signature) == 0


def test_what_the_tool_of_others_has_signed_is_verified_here(home: Path, keys: Pair):
    signature = home / release.SIGNATURE
    signature.unlink()
    signing = ("--private_key", keys.private, "--signature", signature)
    assert tool("sign", "key", home, *signing) == 0
    verified_release.check(str(home), VerifyKeys.of_file(keys.public))
    (home / "model/1/variables/data").write_text("weightz")
    with pytest.raises(DataError, match="model/1/variables/data is not what was signed"):
        verified_release.check(str(home), VerifyKeys.of_file(keys.public))
