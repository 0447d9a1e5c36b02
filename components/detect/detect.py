"""The work of detect_drift."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.detect import drift_outcome
from kanaria.components.detect.example_columns import sampled
from kanaria.components.detect.runtime import libraries_of
from kanaria.components.shared.artifacts import outcome, release, verified_release, verify_keys
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import arrow_files, examples
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.serving.drift import detector_document, report_records
from kanaria.serving.drift.detector_document import Choice
from kanaria.serving.drift.report import report_page, window_record
from kanaria.serving.drift.report_records import Report, Watched, Window

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectRequest:
    """What to compare.

    Attributes:
        examples: examples artifact whose rows are the window.
        detector: artifact of fit_drift_detector, or None.
        deployed: URI of a release that holds one, or "".
        verify_key: PEM of the public key that it must be signed for, or "".
        choice: kind, folder and changed parameters, as `kanaria.serving.drift.detector_document`
            reads them; nothing for the detector as it was fitted.
        split: split of the examples, or "" for all of them together.
        rows: most rows of the window, at least 1.
        seed: of the choice of rows.
    """

    examples: Path
    detector: Path | None = None
    deployed: str = ""
    verify_key: str = ""
    choice: Mapping[str, Any] = field(default_factory=dict)
    split: str = ""
    rows: int = 100_000
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Final paths: the outcome's folder, the folder of `drift.json`, and the HTML file."""

    outcome: Path
    drift: Path
    report: Path


@arrow.without_pandas()
def detect(request: DetectRequest, targets: Targets) -> Outcome:
    """Compare the examples with the detector's reference; it passes unless they drifted.

    Raises:
        ParameterError: parameters are wrong; all faults are named.
        DataError: examples or detector cannot be read, or do not fit each other.
        NotReadyError: an object store does not answer.
    """
    choice = _check(request)
    arrow_files.give_memory_back()
    with _opened(request, choice) as folder:
        detector, reference = detector_document.load(folder, choice)
    splits = [request.split] if request.split else examples.split_names(request.examples)
    sample = sampled(request.examples, splits, request.rows, request.seed)
    columns, _ = sample.columns()
    with libraries_of(detector.name):
        result = detector.test(reference, columns)
    judgement = drift_outcome.judged(result)
    window = window_record.window(result, reference, columns, name=", ".join(splits))
    _report(window, targets)
    outcome.write(judgement, targets.outcome)
    log.info("%s", judgement.summary())
    return judgement


def _report(window: Window, targets: Targets) -> None:
    """Write the result twice, for machines and for people, with equal numbers."""
    watched = Watched(name="Examples", windows=(window,))
    whole = Report(title="Drift", created=time.time(), watched=(watched,))
    with atomic.published(targets.drift) as temporary:
        temporary.mkdir()
        (temporary / "drift.json").write_text(report_records.dump(whole), encoding="utf-8")
    atomic.write_text(targets.report, report_page.render(whole))


def _check(request: DetectRequest) -> Choice:
    faults, choice = Faults(drift_outcome.STEP), Choice()
    try:
        choice = detector_document.chosen(request.choice) if request.choice else choice
    except ParameterError as error:
        faults.add(f"detector: {error}")
    places = (request.detector is not None, bool(request.deployed), "folder" in request.choice)
    remedy = (
        "give drift_detector, a release that is deployed, or the detector's folder; one of them"
    )
    faults.check(sum(places) == 1, "deployed", request.deployed, remedy)
    faults.check(request.rows > 0, "rows", request.rows, "use 1 or more")
    faults.check(request.seed >= 0, "seed", request.seed, "use 0 or more")
    for name, uri in (("deployed", request.deployed), ("detector.folder", choice.folder)):
        try:
            uri_files.check(uri)
        except ParameterError as error:
            faults.add(f"{name}: {error}")
    faults.raise_if_any()
    return choice


@contextmanager
def _opened(request: DetectRequest, choice: Choice) -> Iterator[Path]:
    if request.detector is not None:
        yield request.detector
        return
    if choice.folder:
        with uri_files.opened(choice.folder) as folder:
            yield folder
        return
    keys = verify_keys.of_step(request.verify_key, drift_outcome.STEP)
    with verified_release.opened(request.deployed, release.DRIFT_DETECTOR, keys) as part:
        if part is None:
            raise DataError(
                f"deployed={shown(request.deployed)}: no {release.DRIFT_DETECTOR} in this release; "
                "give one that push_model published with a detector"
            )
        yield part
