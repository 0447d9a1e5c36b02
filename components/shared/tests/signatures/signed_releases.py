"""Small releases of every part, with signatures."""

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from signing_keys import Pair

from kanaria.components.shared.artifacts import fingerprint, release

PARTS = {
    release.MODEL: {"1/saved_model.pb": "graph", "1/variables/data": "weights", "1/.hidden": "x"},
    release.SCHEMA: {"schema.pbtxt": "feature"},
    release.STATISTICS: {"train/FeatureStats.pb": "statistics"},
    release.DRIFT_DETECTOR: {"detector.json": "{}", "reference.npz": "rows"},
    release.SERVING_SAMPLES: {"background.jsonl": "[1]"},
}
RECORD = release.Record(service="tips", outcome="passed", fingerprint="", contents={})


def published(root: Path, keys: Pair, graph: str = "graph", service: str = "tips") -> Path:
    """Publish a signed release below a folder; return its own."""
    making = root / "making"
    for part, files in PARTS.items():
        for name, text in files.items():
            path = making / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(graph if name == "1/saved_model.pb" else text)
    return finished(making, root, keys, service)


def finished(making: Path, root: Path, keys: Pair, service: str = "tips") -> Path:
    """Give parts their record, their place below a folder and their signature."""
    contents = {path.name: fingerprint.of_tree(path) for path in making.iterdir()}
    digest = contents[release.MODEL]
    record = replace(RECORD, service=service, fingerprint=digest, contents=contents)
    (making / release.LINEAGE).write_text(json.dumps(record.as_document()))
    target = root / service / digest[: release.NAME_LENGTH]
    target.parent.mkdir(parents=True, exist_ok=True)
    making.rename(target)
    sign(target, keys)
    return target


def sign(folder: Path, keys: Pair) -> None:
    """Write the signature of a release as it is.

    It is made by hand, as the standards say it, since training steps' runtime has no library that
    signs. In the runtime of the signer the OpenSSF's own tool verifies it.
    """
    paths = [path for path in folder.rglob("*") if path.is_file()]
    digests = {path.relative_to(folder).as_posix(): fingerprint.of_file(path) for path in paths}
    files = [
        {"name": name, "algorithm": "sha256", "digest": digests[name]}
        for name in sorted(digests)
        if name not in release.UNSIGNED
    ]
    whole = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in files))
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": folder.name, "digest": {"sha256": whole.hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(release.UNSIGNED),
            },
            "resources": files,
        },
    }
    (folder / release.SIGNATURE).write_text(json.dumps(_bundle(statement, keys)))


def _bundle(statement: dict[str, Any], keys: Pair) -> dict[str, Any]:
    kind, payload = b"application/vnd.in-toto+json", json.dumps(statement).encode()
    key = load_pem_private_key(keys.private.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    made = key.sign(signed, ECDSA(SHA256()))
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": hashlib.sha256(keys.public.read_bytes()).hexdigest()},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": kind.decode(),
            "signatures": [{"sig": base64.b64encode(made).decode(), "keyid": ""}],
        },
    }
