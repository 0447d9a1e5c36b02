"""Every detector that can be saved is fitted in the training runtime, and used where it can be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kanaria.components.detect.detect import DetectRequest, Targets, detect
from kanaria.components.detect.fit import FitRequest, fit
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift import saved_detector

FEATURES = {
    "chi_squared": "carrier",
    "fisher_exact": "late",
    "black_box_shift": "probability",
    "uncertainty": "probability",
}
LACKING = ("domain_classifier",)
"""They need what only the control image has."""


@pytest.fixture
def asked(
    examples_of: Callable[..., Path],
    flights_of: Callable[..., dict[str, Any]],
    schema: Path,
    tmp_path: Path,
) -> tuple[FitRequest, DetectRequest]:
    """What fits a detector on flights, and what compares other flights with it."""

    def rows(count: int) -> dict[str, Any]:
        return flights_of(count, 1) | {"probability": np.linspace(0, 1, count)}

    fitting = FitRequest(examples=examples_of("training", train=rows(300)), schema=schema)
    served = examples_of("served", serving=rows(200))
    return fitting, DetectRequest(examples=served, detector=tmp_path / "detector")


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(
        outcome=tmp_path / "outcome", drift=tmp_path / "drift", report=tmp_path / "report.html"
    )


@pytest.mark.parametrize("kind", sorted(set(saved_detector.KINDS) - set(LACKING)))
def test_a_detector_is_fitted_and_finds_no_drift_in_equal_rows(
    kind: str, asked: tuple[FitRequest, DetectRequest], targets: Targets, tmp_path: Path
):
    fitting, comparing = asked
    features = [FEATURES.get(kind, "temp")]
    metadata = fit(replace(fitting, detector=kind, features=features), tmp_path / "detector")
    assert metadata["detector"] == kind
    assert detect(comparing, targets).passed


@pytest.mark.parametrize("kind", LACKING)
def test_a_library_that_the_image_lacks_is_named(
    kind: str, asked: tuple[FitRequest, DetectRequest], targets: Targets, tmp_path: Path
):
    fitting, comparing = asked
    fit(replace(fitting, detector=kind, features=["temp"]), tmp_path / "detector")
    with pytest.raises(ParameterError, match="it needs sklearn, which the training image lacks"):
        detect(comparing, targets)
