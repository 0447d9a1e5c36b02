"""Small releases of every part, signed as a push signs them."""

import json
from dataclasses import replace
from pathlib import Path

from signing_keys import Pair

from kanaria.components.shared.artifacts import fingerprint, model_signature, release

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
    """Write the signature of a release as it is."""
    text = model_signature.sign(folder, keys.private)
    (folder / release.SIGNATURE).write_text(text)
