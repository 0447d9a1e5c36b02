"""A stream goes on after a restart from what was saved."""

import numpy as np
import pytest

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.online import saved
from kanaria.serving.drift.online.cramer_von_mises import OnlineCramerVonMises
from kanaria.serving.drift.online.page_hinkley import PageHinkley
from kanaria.serving.drift.outliers import saved as saved_outliers
from kanaria.serving.drift.outliers.isolation_forest import IsolationForest

GENERATOR = np.random.default_rng(14)
ROWS = {"a": GENERATOR.normal(size=400)}


def test_a_stream_goes_on_from_a_saved_state(tmp_path):
    detector = PageHinkley(expected_run_time=300, allowance=0.5)
    reference = detector.fit(ROWS)
    began = detector.start(reference)
    saved.save(tmp_path / "new" / "detector", detector, reference, began)
    drifting = GENERATOR.normal(size=100) + 0.7
    state, before = detector.update(reference, began, {"a": drifting[:5]})
    saved.keep(tmp_path / "new" / "detector", state)
    assert {path.name for path in (tmp_path / "new" / "detector").iterdir()} == {
        "detector.json",
        "reference.npz",
        "state.npz",
    }
    same, again, held = saved.load(tmp_path / "new" / "detector")
    assert same == detector
    _, after = same.update(again, held, {"a": drifting[5:]})
    _, uncut = detector.update(reference, began, {"a": drifting})
    assert before.alarms + after.alarms == uncut.alarms != ()


@pytest.mark.parametrize("name", ["detector.json", "reference.npz", "state.npz"])
def test_a_broken_file_is_named(tmp_path, name):
    detector = OnlineCramerVonMises(expected_run_time=20, window_sizes=(4,))
    reference = detector.fit(ROWS)
    saved.save(tmp_path / "held", detector, reference, detector.start(reference))
    (tmp_path / "held" / name).write_text("{}")
    with pytest.raises(DataError, match="save it anew"):
        saved.load(tmp_path / "held")


def test_an_outlier_detector_scores_as_before(tmp_path):
    detector = IsolationForest(trees=10)
    reference = detector.fit(ROWS)
    saved_outliers.save(tmp_path / "forest", detector, reference)
    same, again = saved_outliers.load(tmp_path / "forest")
    assert same == detector
    np.testing.assert_array_equal(same.score(again, ROWS), detector.score(reference, ROWS))
