"""Every detector that can be saved is fitted and used in the training runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kanaria.components.detect.detect import DetectRequest, Targets, detect
from kanaria.components.detect.fit import FitRequest, fit
from kanaria.serving.drift import saved

CATEGORICAL = ("chi_squared",)
BINARY = ("fisher_exact",)


@pytest.mark.parametrize("kind", saved.KINDS)
def test_a_detector_is_fitted_and_finds_no_drift_in_equal_rows(
    kind: str,
    examples_of: Callable[..., Path],
    flights_of: Callable[..., dict[str, Any]],
    schema: Path,
    tmp_path: Path,
):
    feature = "carrier" if kind in CATEGORICAL else "late" if kind in BINARY else "temp"
    request = FitRequest(
        examples=examples_of("training", train=flights_of(300, 1)),
        schema=schema,
        detector=kind,
        features=[feature],
    )
    assert fit(request, tmp_path / "detector")["detector"] == kind
    served = DetectRequest(
        examples=examples_of("served", serving=flights_of(200, 1)), detector=tmp_path / "detector"
    )
    targets = Targets(
        outcome=tmp_path / "outcome", drift=tmp_path / "drift", report=tmp_path / "report.html"
    )
    assert not detect(served, targets)
