"""Drift of the scored rows from the release's reference, by detect_drift's own code."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from kanaria.components.detect import drift_outcome
from kanaria.components.detect.example_columns import RowSample, Sample
from kanaria.components.detect.runtime import libraries_of
from kanaria.components.predict.numbered_rows import ROW_ID
from kanaria.components.shared.artifacts import release, verified_release
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.html_report.html_page import Page
from kanaria.serving.drift import detector_document, report_records
from kanaria.serving.drift.report import report_page, window_record
from kanaria.serving.drift.report_records import Report, Watched

ROWS, SEED = 100_000, 0
"""The sample that is compared, as detect_drift takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """What the detector says.

    Attributes:
        summary: in one line.
        drifted: whether the rows drifted.
        watched: the comparison; None where there was none.
    """

    summary: str
    drifted: bool = False
    watched: Watched | None = None

    def write(self, folder: Path, page: Path, title: str) -> None:
        """Write `drift.json` into a folder, if rows were compared, and the page.

        Args:
            folder: exists.
            page: the HTML file.
            title: of the page.
        """
        if self.watched is None:
            whole = Page(title=title, lead=(self.summary,)).render()
        else:
            report = Report(title=title, created=time.time(), watched=(self.watched,))
            text = report_records.dump(report)
            (folder / "drift.json").write_text(text, encoding="utf-8")
            whole = report_page.render(report)
        page.write_text(whole, encoding="utf-8")


class ScoredDrift:
    """Samples the rows on their way, and compares them at the end."""

    def __init__(self, release_uri: str, keys: VerifyKeys | None = None) -> None:
        """Load the detector of a release, if it has one.

        Args:
            release_uri: of the release.
            keys: that it must be signed for; None for those of the environment.

        Raises:
            DataError: there is one that cannot be read.
            NotReadyError: the store does not answer.
        """
        self._sample = RowSample(ROWS, SEED)
        self._detector: tuple[Any, Any] | None = None
        with verified_release.opened(release_uri, release.DRIFT_DETECTOR, keys) as folder:
            if folder and (folder / "detector.json").is_file():
                self._detector = detector_document.load(folder)

    @property
    def compares(self) -> bool:
        """Whether there is anything to compare rows with."""
        return self._detector is not None

    def add(self, rows: pa.Table) -> None:
        """Take the next rows of the data into account."""
        if self._detector is not None:
            self._sample.add(rows.drop([ROW_ID]).combine_chunks().to_batches()[0])

    def compared(self) -> Compared:
        """Return how the rows compare.

        Rows that do not fit the detector are scored none the worse, so the summary says it.
        """
        sample = self._sample.sample()
        if self._detector is None or sample is None:
            return Compared(summary="not compared: the release has no drift detector")
        detector, reference = self._detector
        (batch,) = sample.table.combine_chunks().to_batches()
        lists = pa.Table.from_batches([to_lists(batch)])
        columns, _ = Sample(table=lists, of_rows=sample.of_rows).columns()
        try:
            with libraries_of(detector.name):
                result = detector.test(reference, columns)
        except (DataError, ParameterError) as error:
            return Compared(summary=f"not compared: {error}")
        window = window_record.window(result, reference, columns, name="Scored rows")
        return Compared(
            summary=drift_outcome.judged(result).summary().removeprefix(f"{drift_outcome.STEP} "),
            drifted=result.drifted,
            watched=Watched(name="Scored rows", windows=(window,)),
        )
