"""Publishes a release: copied under a temporary name, verified, then renamed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared import atomic, fingerprint, release
from kanaria.components.shared.errors import DataError, shown

FINGERPRINT_LENGTH = 16
"""Hexadecimal digits of the fingerprint that name a release; 64 bits, enough for one service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The artifacts a release is made of: folders of the model, the schema, the statistics."""

    model: Path
    schema: Path
    statistics: Path


def _check_model(model: Path) -> None:
    versions = [path for path in model.glob("*/saved_model.pb") if path.parent.name.isdigit()]
    if not versions:
        raise DataError(f"{model}: no <integer>/saved_model.pb; push a model of train_model")


def _contents(folder: Path) -> dict[str, str]:
    parts = (release.MODEL, release.SCHEMA, release.STATISTICS)
    return {part: fingerprint.of_tree(folder / part) for part in parts}


def _recorded(folder: Path) -> dict[str, str]:
    """Return the fingerprints that were written down when the release was published."""
    path = folder / release.LINEAGE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["contents"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path}: not readable ({shown(error)}); remove the folder and push again"
        ) from error


def publish(sources: Sources, service_folder: Path, lineage: Mapping[str, str]) -> Path:
    """Return the release of a model below `service_folder`, copied there unless it is.

    A release never changes: the same model again finds it with the schema and the statistics
    it was first published with.

    Args:
        sources: what to copy.
        service_folder: `<model root>/<service name>`.
        lineage: where the release comes from, for `release.json`; no times, so that equal
            pushes give equal files.

    Raises:
        DataError: there is no SavedModel, the copy differs from the original, or the folder of
            this fingerprint holds something else than was published.
    """
    _check_model(sources.model)
    digest = fingerprint.of_tree(sources.model)
    target = service_folder / digest[:FINGERPRINT_LENGTH]
    if target.exists():
        _verify(target, _recorded(target) | {release.MODEL: digest})
        return target
    wanted = {
        release.MODEL: digest,
        release.SCHEMA: fingerprint.of_tree(sources.schema),
        release.STATISTICS: fingerprint.of_tree(sources.statistics),
    }
    with atomic.published(target) as temporary:
        shutil.copytree(sources.model, temporary / release.MODEL)
        shutil.copytree(sources.schema, temporary / release.SCHEMA)
        shutil.copytree(sources.statistics, temporary / release.STATISTICS)
        text = json.dumps({**lineage, "fingerprint": digest, "contents": wanted}, indent=1)
        (temporary / release.LINEAGE).write_text(text, encoding="utf-8")
        _verify(temporary, wanted)
    return target


def _verify(folder: Path, wanted: dict[str, str]) -> None:
    found = _contents(folder)
    wrong = [part for part, digest in wanted.items() if found.get(part) != digest]
    if wrong:
        raise DataError(
            f"{folder}: {', '.join(wrong)} differs from what was pushed; "
            "remove the folder and push again"
        )
