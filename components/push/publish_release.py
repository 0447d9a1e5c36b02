"""Publishes a release: its files are copied and verified, and `release.json` comes last."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from kanaria.components.shared.artifacts import fingerprint, release
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks import model_files
from kanaria.components.shared.storage import uri_files


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The artifacts a release is made of: folders of each, None for one that there is not."""

    model: Path
    schema: Path
    statistics: Path
    drift_detector: Path | None = None
    serving_samples: Path | None = None

    @classmethod
    def at(
        cls,
        model: str,
        schema: str,
        statistics: str,
        drift_detector: str = "",
        serving_samples: str = "",
    ) -> Self:
        """Return the artifacts at these paths; "" for one that there is not."""
        return cls(
            model=Path(model),
            schema=Path(schema),
            statistics=Path(statistics),
            drift_detector=Path(drift_detector) if drift_detector else None,
            serving_samples=Path(serving_samples) if serving_samples else None,
        )

    def parts(self) -> dict[str, Path]:
        """Return part of the release -> its folder."""
        folders = {
            release.MODEL: self.model,
            release.SCHEMA: self.schema,
            release.STATISTICS: self.statistics,
        }
        optional = {
            release.DRIFT_DETECTOR: self.drift_detector,
            release.SERVING_SAMPLES: self.serving_samples,
        }
        return folders | {part: folder for part, folder in optional.items() if folder}


def publish(sources: Sources, service_uri: str, draft: Record) -> str:
    """Return the URI of the release of a model below `service_uri`, copied there unless it is.

    A release is complete when `release.json` is there; an incomplete one is written anew.
    A release never changes: the same model again finds it with the schema, the statistics, the
    drift detector and the record it was first published with.

    Args:
        sources: what to copy.
        service_uri: `<model root>/<service name>`.
        draft: the release's record; fingerprints are filled in here. It holds no times, so that
            a push that is run again gives equal files.

    Raises:
        DataError: there is no model, the copy differs from the original, or the folder of
            this fingerprint holds something else than was published.
        ParameterError: the store refuses.
        NotReadyError: the store does not answer, or the disk is full; no release is visible.
    """
    model_files.locate(sources.model)
    digest = fingerprint.of_tree(sources.model)
    target = uri_files.join(service_uri, digest[: release.NAME_LENGTH])
    if uri_files.exists(uri_files.join(target, release.LINEAGE)):
        _verify(target, {**release.read_record(target).contents, release.MODEL: digest})
        return target
    parts = sources.parts()
    contents = {part: fingerprint.of_tree(folder) for part, folder in parts.items()}
    record = replace(draft, fingerprint=digest, contents=contents)
    text = json.dumps(record.as_document(), indent=1)
    with tempfile.TemporaryDirectory(prefix="kanaria-release-") as folder:
        whole = Path(folder) / "release"
        for part, source in parts.items():
            _link(source, whole / part)
        (whole / release.LINEAGE).write_text(text, encoding="utf-8")
        uri_files.publish(whole, target, last=release.LINEAGE)
    return target


def _link(source: Path, target: Path) -> None:
    """Make a tree of links, so that the parts are copied once only: to where they go."""
    for path in source.rglob("*"):
        if path.is_file():
            link = target / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())


def _verify(target: str, wanted: Mapping[str, str]) -> None:
    always = (release.MODEL, release.SCHEMA, release.STATISTICS)
    wrong = [
        part
        for part in dict.fromkeys((*always, *wanted))
        if uri_files.fingerprint(uri_files.join(target, part)) != wanted.get(part)
    ]
    if wrong:
        raise DataError(
            f"{target}: {', '.join(wrong)} differs from what was pushed; "
            "remove the folder and push again"
        )
