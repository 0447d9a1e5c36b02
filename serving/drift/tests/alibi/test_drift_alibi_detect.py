"""alibi-detect's own detectors behind the Protocol; these tests run in its own environment."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from alibi_detect.cd import (
    ClassifierDrift,
    KSDrift,
    LSDDDrift,
    MMDDrift,
    SpotTheDiffDrift,
    TabularDrift,
)
from alibi_detect.od import IForest
from alibi_detect.saving import save_detector

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift.alibi.alibi_detect import AlibiDetect
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.table_columns import from_matrix

ROWS = np.random.default_rng(1).normal(size=(120, 3)).astype("float32")
OTHERS = np.random.default_rng(2).normal(size=(60, 3)).astype("float32")
TENSORFLOW = {"backend": "tensorflow"}


def network():
    layers = [tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(2)]
    return tf.keras.Sequential([tf.keras.layers.Input(3), *layers])


MADE = {
    "KS": lambda: KSDrift(ROWS),
    "Tabular": lambda: TabularDrift(ROWS, categories_per_feature={}),
    "MMD": lambda: MMDDrift(ROWS, n_permutations=50, **TENSORFLOW),
    "LSDD": lambda: LSDDDrift(ROWS, n_permutations=50, **TENSORFLOW),
    "Classifier": lambda: ClassifierDrift(
        ROWS, network(), preds_type="logits", epochs=5, verbose=0, **TENSORFLOW
    ),
    "SpotTheDiff": lambda: SpotTheDiffDrift(ROWS, n_diffs=1, epochs=5, verbose=0, **TENSORFLOW),
}


@pytest.mark.parametrize("name", MADE)
def test_it_says_what_alibi_detect_says(name):
    tf.keras.utils.set_random_seed(1)
    theirs = MADE[name]()
    detector = AlibiDetect(theirs, accept_bsl=True)
    reference = detector.fit(from_matrix(ROWS))
    shifted = detector.test(reference, from_matrix(OTHERS + 2))
    assert shifted.drifted and shifted.detector == f"alibi_detect.{theirs.meta['name']}"
    assert bool(theirs.predict(OTHERS + 2)["data"]["is_drift"])
    assert len(shifted.features) == (3 if name in ("KS", "Tabular") else 1)
    assert "no effect size" in shifted.effect.name
    same = detector.test(reference, from_matrix(OTHERS))
    assert same.p_value > shifted.p_value


def test_p_values_and_thresholds_are_alibi_detects():
    theirs = KSDrift(ROWS, correction="fdr", p_val=0.1)
    detector = AlibiDetect(theirs, accept_bsl=True)
    window = OTHERS + np.array([0, 0.5, 1], dtype="float32")
    result = detector.test(detector.fit(from_matrix(ROWS)), from_matrix(window))
    expected = theirs.predict(window)["data"]
    assert [f.p_value for f in result.features] == pytest.approx(expected["p_val"])
    assert result.features[0].threshold == pytest.approx(expected["threshold"])


def test_references_merge_and_new_ones_are_looked_at():
    detector = AlibiDetect(KSDrift(ROWS), accept_bsl=True)
    halves = [detector.fit(from_matrix(part)) for part in (ROWS[:50], ROWS[50:])]
    merged, whole = halves[0].merged(halves[1]), detector.fit(from_matrix(ROWS))
    window = from_matrix(OTHERS)
    assert detector.test(merged, window) == detector.test(whole, window)
    moved = detector.fit(from_matrix(ROWS + 3))
    assert detector.test(moved, window).drifted


def test_rows_are_preprocessed_as_its_detector_does():
    detector = AlibiDetect(KSDrift(ROWS, preprocess_fn=lambda rows: rows[:, :2]), accept_bsl=True)
    reference = detector.fit(from_matrix(ROWS))
    result = detector.test(reference, from_matrix(OTHERS + np.float32(2)))
    assert result.drifted and [f.feature for f in result.features] == ["0", "1"]


def test_a_saved_detector_is_loaded_and_images_keep_their_shape(tmp_path: Path):
    images = np.random.default_rng(3).random((80, 4, 4, 1)).astype("float32")
    save_detector(KSDrift(images), tmp_path / "ks")
    detector, reference = AlibiDetect.load(tmp_path / "ks", accept_bsl=True)
    assert len(reference.features) == 16
    assert detector.test(reference, from_matrix(images[:40] * 0.2)).drifted


def test_an_outlier_detector_compares_shares_of_outliers():
    forest = IForest(n_estimators=20)
    forest.fit(ROWS)
    forest.infer_threshold(ROWS, threshold_perc=95)
    detector = AlibiDetect(forest, accept_bsl=True)
    reference = detector.fit(from_matrix(ROWS))
    result = detector.test(reference, from_matrix(OTHERS + 3))
    assert result.verdict is Verdict.DRIFTED and result.effect.name == "difference of shares"
    assert not detector.test(reference, from_matrix(ROWS)).drifted


def test_without_acceptance_it_is_refused():
    with pytest.raises(ParameterError, match=r"accept_bsl=False.*Business Source"):
        AlibiDetect(KSDrift(ROWS), accept_bsl=False)
    with pytest.raises(ParameterError, match="accept_bsl=False"):
        AlibiDetect.load(Path("anywhere"), accept_bsl=False)


def test_the_notice_is_printed_once_a_process():
    program = (
        "import numpy as np\n"
        "from alibi_detect.cd import KSDrift\n"
        "from kanaria.serving.drift.alibi.alibi_detect import AlibiDetect\n"
        "for _ in range(3):\n"
        "    AlibiDetect(KSDrift(np.zeros((9, 1))), accept_bsl=True)\n"
    )
    command = [sys.executable, "-I", "-c", program]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert said.count("Business Source License 1.1") == 1


@pytest.mark.parametrize("file", ["preprocess_fn.dill", "model/model.pt"])
def test_pickles_are_not_loaded(tmp_path: Path, file):
    with pytest.raises(DataError, match="no config"):
        AlibiDetect.load(tmp_path, accept_bsl=True)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    (tmp_path / "config.toml").touch()
    with pytest.raises(DataError, match="pickles"):
        AlibiDetect.load(tmp_path, accept_bsl=True)
