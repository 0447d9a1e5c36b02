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
from kanaria.serving.drift.detector_registry import KINDS

FEATURES = {
    "chi_squared": "carrier",
    "fisher_exact": "late",
    "online_fisher_exact": "late",
    "missing_values": "gate",
    "black_box_shift": "probability",
    "uncertainty": "probability",
}
SELDOM = {"expected_run_time": 20_000}
PARAMETERS = {
    kind: SELDOM for kind in KINDS if kind.startswith("online") or kind == "page_hinkley"
} | {"population_stability": {"least": 0.2}, "wasserstein": {"least": 0.5}}
LACKING = {kind.name: kind.needs for kind in KINDS.values() if kind.needs}
"""They need what only the control image has; a watch of the drift server tests them."""
NAMES = {"scikit-learn": "sklearn"}


def rows(count: int, seed: int, moved: float = 0.0) -> dict[str, Any]:
    """Return flights that look otherwise, every column of them, when they have moved."""
    draw = np.random.default_rng(seed)
    rare = 0.2 + moved
    return {
        "carrier": draw.choice(["AA", "DL"], count, p=[rare, 1 - rare]).tolist(),
        "temp": draw.normal(40 + 50 * moved, 10, count),
        "late": (draw.random(count) < rare).astype(int),
        "gate": [1.5 if one else None for one in draw.random(count) < 1 - rare],
        "probability": draw.beta(2, 8 - 10 * moved, count),
    }


@pytest.fixture
def fitting(examples_of: Callable[..., Path], schema: Path) -> FitRequest:
    return FitRequest(examples=examples_of("training", train=rows(2000, 1)), schema=schema)


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(
        outcome=tmp_path / "outcome", drift=tmp_path / "drift", report=tmp_path / "report.html"
    )


def of_kind(fitting: FitRequest, kind: str) -> FitRequest:
    detector = {"kind": kind, **PARAMETERS.get(kind, {})}
    return replace(fitting, detector=detector, features=[FEATURES.get(kind, "temp")])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(LACKING)))
def test_each_kind_is_fitted_and_tells_moved_rows_from_others(
    kind: str,
    fitting: FitRequest,
    examples_of: Callable[..., Path],
    targets: Targets,
    tmp_path: Path,
):
    metadata = fit(of_kind(fitting, kind), tmp_path / "detector")
    assert metadata["detector"] == kind
    for name, moved in (("same", 0.0), ("moved", 0.5)):
        examples = examples_of(name, serving=rows(500, 2, moved))
        verdict = detect(DetectRequest(examples=examples, detector=tmp_path / "detector"), targets)
        assert verdict.passed == (name == "same"), verdict.summary()


@pytest.mark.parametrize("kind", LACKING)
def test_a_library_that_the_image_lacks_is_named(
    kind: str,
    fitting: FitRequest,
    examples_of: Callable[..., Path],
    targets: Targets,
    tmp_path: Path,
):
    fit(of_kind(fitting, kind), tmp_path / "detector")
    served = examples_of("served", serving=rows(200, 2))
    library = NAMES.get(LACKING[kind], LACKING[kind])
    with pytest.raises(ParameterError, match=f"it needs {library}, which the training image lacks"):
        detect(DetectRequest(examples=served, detector=tmp_path / "detector"), targets)


def test_parameters_of_a_fitted_detector_are_changed_and_its_reference_stays(
    fitting: FitRequest, examples_of: Callable[..., Path], targets: Targets, tmp_path: Path
):
    fit(of_kind(fitting, "table"), tmp_path / "detector")
    served = examples_of("served", serving=rows(500, 2, 0.5))
    comparison = DetectRequest(examples=served, detector=tmp_path / "detector")
    assert not detect(comparison, targets).passed
    assert detect(replace(comparison, choice={"kind": "table", "least": 0.99}), targets).passed


def test_an_artefact_of_alibi_detect_is_named_by_its_folder(
    examples_of: Callable[..., Path], targets: Targets, tmp_path: Path
):
    folder = tmp_path / "artefact"
    folder.mkdir()
    (folder / "config.toml").write_text(
        'name = "KSDrift"\nx_ref = "x_ref.npy"\np_val = 0.05\ncorrection = "bonferroni"\n'
    )
    np.save(folder / "x_ref.npy", np.random.default_rng(1).normal(size=(500, 1)))
    for moved in (0.0, 2.0):
        values = np.random.default_rng(2).normal(moved, size=300)
        served = examples_of(f"moved {moved}", serving={"0": values})
        comparison = DetectRequest(examples=served, choice={"kind": "alibi", "folder": str(folder)})
        assert detect(comparison, targets).passed == (moved == 0)


def test_all_faults_of_a_comparison_are_named_at_once(targets: Targets, tmp_path: Path):
    comparison = DetectRequest(examples=tmp_path, choice={"kind": "tabel", "folder": "d"}, rows=0)
    with pytest.raises(ParameterError, match=r"detector: kind='tabel'.*mean table\?.*rows=0"):
        detect(comparison, targets)
