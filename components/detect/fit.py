"""The work of fit_drift_detector."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.detect import features
from kanaria.components.detect.example_columns import Sample, sampled
from kanaria.components.detect.runtime import libraries_of
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import arrow_files
from kanaria.components.shared.data.schema_file import read_schema
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.storage import atomic
from kanaria.serving.drift import detector_document, matrix_columns, saved_detector
from kanaria.serving.drift.detector import Detector

STEP = "fit_drift_detector"
SCHEMA_FILE = "schema.pbtxt"
NOTHING = "NOTHING_TO_COMPARE"
"""File of an artifact without a detector: no feature could be compared, it says why."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FitRequest:
    """What to fit on.

    Attributes:
        examples: examples artifact.
        schema: artifact with schema.pbtxt.
        samples: serving samples of train_model, or None.
        split: split of the examples.
        detector: kind and parameters, as `kanaria.serving.drift.detector_document` reads them.
        features: names, or none for those a request has.
        rows: most rows of the reference, at least 1.
        seed: of the choice of rows.
    """

    examples: Path
    schema: Path
    samples: Path | None = None
    split: str = "train"
    detector: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    features: Sequence[str] = ()
    rows: int = 20_000
    seed: int = 0


@arrow.without_pandas()
def fit(request: FitRequest, target: Path) -> dict[str, object]:
    """Write the detector with its reference into the folder `target`; return its metadata.

    Raises:
        ParameterError: the detector, its parameter, a feature or a number is wrong; all are named.
        DataError: examples, schema or samples cannot be read, or do not fit the detector.
    """
    _check(request)
    arrow_files.give_memory_back()
    schema = read_schema(request.schema / SCHEMA_FILE)
    sample = sampled(request.examples, [request.split], request.rows, request.seed)
    names = sample.table.column_names
    chosen = features.served(names, request.features, schema, request.samples)
    sample = Sample(table=sample.table.select(chosen), of_rows=sample.of_rows)
    single, others = sample.columns()
    columns, left_out = features.comparable(single)
    left_out |= features.several(others)
    for name, reason in left_out.items():
        log.warning("feature %s is left out: %s", name, reason)
    if not columns:
        # A model of texts or images alone is none the worse for it, so its pipeline goes on.
        with atomic.published(target) as temporary:
            temporary.mkdir()
            (temporary / NOTHING).write_text(f"{left_out}\n", encoding="utf-8")
        return {"features": [], "left_out": left_out}
    defaults = {"categorical": features.categorical(schema, columns), "outputs": tuple(columns)}
    detector: Detector[Any] = detector_document.fitted_anew(request.detector, defaults)
    with libraries_of(detector.name):
        reference = detector.fit(columns)
    with atomic.published(target) as temporary:
        saved_detector.save(temporary, detector, reference)
        if matrix := features.matrix_columns(request.samples):
            matrix_columns.write(temporary, matrix)
    return {
        "detector": detector.name,
        "features": list(columns),
        "left_out": left_out,
        "rows": sample.table.num_rows,
        "of_rows": sample.of_rows,
    }


def _check(request: FitRequest) -> None:
    faults = Faults(STEP)
    try:
        detector_document.fitted_anew(request.detector)
    except ParameterError as error:
        faults.add(f"detector: {error}")
    faults.check(request.rows > 0, "rows", request.rows, "use 1 or more")
    faults.check(request.seed >= 0, "seed", request.seed, "use 0 or more")
    faults.raise_if_any()
