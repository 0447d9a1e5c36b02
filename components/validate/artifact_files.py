"""Files of validate_data's artifacts, by split, as TFDV writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kanaria.components.shared.storage import atomic

STATISTICS = "FeatureStats.pb"
ANOMALIES = "SchemaDiff.pb"


def write_protos(target: Path, name: str, protos: Mapping[str, Any]) -> None:
    """Write split -> proto as `<split>/<name>` into the new folder `target`, atomically."""
    with atomic.published(target) as temporary:
        for split, proto in protos.items():
            (temporary / split).mkdir(parents=True)
            data = proto.SerializeToString(deterministic=True)
            (temporary / split / name).write_bytes(data)
