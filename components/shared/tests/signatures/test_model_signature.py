"""Signatures of models by the library that verifies them everywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from signing_keys import Pair, pair, written

from kanaria.components.shared.artifacts import model_signature
from kanaria.components.shared.errors import DataError, ParameterError

NAME = "s3://models/tips/7b/model"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in ("1/saved_model.pb", "1/variables/data", "1/.hidden"):
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "model"


@pytest.fixture
def signature(model: Path, keys: Pair) -> Path:
    path = model.with_name("model.sig")
    path.write_text(model_signature.sign(model, keys.private))
    return path


def changed(model: Path) -> None:
    data = bytearray((model / "1/variables/data").read_bytes())
    data[3] ^= 1
    (model / "1/variables/data").write_bytes(data)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed bit": (changed, "1/variables/data is not what was signed"),
    "a missing file": (
        lambda model: (model / "1/saved_model.pb").unlink(),
        "1/saved_model.pb is missing",
    ),
    "an added file": (lambda model: (model / "1/own.so").touch(), "1/own.so was added"),
    "a file of git": (lambda model: (model / ".gitignore").touch(), ".gitignore was added"),
    "a folder of git": (
        lambda model: ((model / ".git").mkdir(), (model / ".git/x").touch()),
        ".git/x was added",
    ),
    "a name of two lines": (lambda model: (model / "a\nb").touch(), r"'a\nb' was added"),
    "a moved file": (
        lambda model: (model / "1/.hidden").rename(model / "1/b"),
        "1/.hidden is missing; 1/b was added",
    ),
    "a link to a file": (
        lambda model: (model / "1/link").symlink_to("/etc/hostname"),
        "1/link is a link",
    ),
    "a link in a file's place": (
        lambda model: (
            (model / "1/.hidden").rename(model.with_name("away")),
            (model / "1/.hidden").symlink_to(model.with_name("away")),
        ),
        "1/.hidden is a link",
    ),
    "a link to a folder": (lambda model: (model / "2").symlink_to(model / "1"), "2 is a link"),
    "a pipe": (lambda model: os.mkfifo(model / "pipe"), "pipe is neither a file nor a folder"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_not_the_signed_model_is_refused_by_the_name_of_the_file(
    kind: str, model: Path, signature: Path, keys: Pair
):
    model_signature.verify(model, signature, keys.public, NAME)
    change, said = CHANGES[kind]
    change(model)
    with pytest.raises(DataError) as refusal:
        model_signature.verify(model, signature, keys.public, NAME)
    assert str(refusal.value).startswith(f"{NAME}: not the signed model: {said}")
    assert "\n" not in str(refusal.value)


def test_a_signature_by_another_key_is_refused(
    model: Path, signature: Path, keys: Pair, tmp_path: Path
):
    other = pair(tmp_path, "other")
    with pytest.raises(DataError, match=r"it was signed with another key than .*other\.pub\.pem"):
        model_signature.verify(model, signature, other.public, NAME)
    # Whoever changes the name of the key in it has not signed it with that key.
    renamed = json.loads(model_signature.sign(model, other.private))
    hint = json.loads(signature.read_text())["verificationMaterial"]["publicKey"]["hint"]
    renamed["verificationMaterial"]["publicKey"]["hint"] = hint
    signature.write_text(json.dumps(renamed))
    with pytest.raises(DataError, match="its signature was not made with the key"):
        model_signature.verify(model, signature, keys.public, NAME)


def test_the_signature_of_another_model_is_refused(model: Path, keys: Pair, tmp_path: Path):
    other = tmp_path / "other" / "model"
    (other / "1").mkdir(parents=True)
    (other / "1/saved_model.pb").write_text("another graph")
    signature = tmp_path / "model.sig"
    signature.write_text(model_signature.sign(other, keys.private))
    with pytest.raises(DataError, match=r"1/saved_model\.pb is not what was signed"):
        model_signature.verify(model, signature, keys.public, NAME)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"verificationMaterial": {}}',
        '{"mediaType": 1, "verificationMaterial": {"publicKey": {"hint": 7}}}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_what_is_no_signature_is_said_to_be_none(
    text: str, model: Path, keys: Pair, tmp_path: Path
):
    path = tmp_path / "none"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match="not the signed model: its signature is unreadable"):
        model_signature.verify(model, path, keys.public, NAME)


def test_a_signature_without_signers_is_none(model: Path, signature: Path, keys: Pair):
    bundle = json.loads(signature.read_text())
    bundle["dsseEnvelope"]["signatures"] = []
    signature.write_text(json.dumps(bundle))
    with pytest.raises(DataError, match="its signature is unreadable"):
        model_signature.verify(model, signature, keys.public, NAME)


KEYS = {
    "of another curve": lambda: written(ec.generate_private_key(ec.SECP256K1())),
    "of RSA": lambda: written(rsa.generate_private_key(65537, 2048)),
    "of Ed25519": lambda: written(ed25519.Ed25519PrivateKey.generate()),
    "with a passphrase": lambda: written(ec.generate_private_key(ec.SECP256R1()), b"secret"),
    "no key": lambda: b"SECRET TEXT",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_that_cannot_sign_is_named_and_not_shown(kind: str, model: Path, tmp_path: Path):
    path = tmp_path / "key.pem"
    path.write_bytes(KEYS[kind]())
    with pytest.raises(ParameterError, match=r"signing key '.*key.pem': .*; give a PEM file") as e:
        model_signature.sign(model, path)
    body = path.read_text().splitlines()[1:2]
    assert "SECRET" not in str(e.value) and not any(line in str(e.value) for line in body if line)


def test_a_file_that_is_not_there_is_named(model: Path, tmp_path: Path):
    with pytest.raises(ParameterError, match=r"none\.pem': No such file"):
        model_signature.sign(model, tmp_path / "none.pem")
    with pytest.raises(ParameterError, match=r"none\.pem': No such file"):
        model_signature.check_verify_key(tmp_path / "none.pem")


def test_the_public_key_is_that_of_the_private_one(keys: Pair, signature: Path):
    assert model_signature.public_key(keys.private) == keys.public.read_text()
    named = json.loads(signature.read_text())["verificationMaterial"]["publicKey"]["hint"]
    assert model_signature.key_of(signature.read_text()) == named
    assert model_signature.key_of("<b>no</b>") == ""


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_the_tool_of_others_verifies_what_was_signed_here(
    curve: ec.EllipticCurve, model: Path, tmp_path: Path
):
    own = pair(tmp_path, "curve", curve)
    signature = tmp_path / "model.sig"
    signature.write_text(model_signature.sign(model, own.private))
    tool = [sys.executable, "-m", "model_signing", "verify", "key", model]
    done = subprocess.run(
        [*tool, "--public_key", own.public, "--signature", signature],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    changed(model)
    done = subprocess.run([*tool, "--public_key", own.public, "--signature", signature])
    assert done.returncode != 0


def test_what_the_tool_of_others_has_signed_is_verified_here(
    model: Path, keys: Pair, tmp_path: Path
):
    signature = tmp_path / "model.sig"
    tool = [sys.executable, "-m", "model_signing", "sign", "key", model]
    subprocess.run(
        [*tool, "--private_key", keys.private, "--signature", signature],
        check=True,
        capture_output=True,
    )
    model_signature.verify(model, signature, keys.public, NAME)
    changed(model)
    with pytest.raises(DataError, match="1/variables/data is not what was signed"):
        model_signature.verify(model, signature, keys.public, NAME)
