"""alibi-detect's online detectors behind the Protocol: the rows of a window in their turn."""

import json

import numpy as np
import pytest
import tensorflow as tf
from alibi_detect.cd import CVMDriftOnline, FETDriftOnline, LSDDDriftOnline, MMDDriftOnline
from alibi_detect.saving import save_detector

from kanaria.serving.drift.alibi.alibi_detect import AlibiDetect
from kanaria.serving.drift.detector_document import chosen
from kanaria.serving.drift.table_columns import from_matrix
from kanaria.serving.drift_watch.examine_window import examine
from kanaria.serving.drift_watch.watch_detectors import load
from kanaria.serving.drift_watch.window_columns import read
from kanaria.serving.payload_log.exchanges import Exchange

RUN_TIME = 50
SEED = 1


@pytest.fixture(autouse=True)
def _same_bootstraps_each_time():
    """Alibi's thresholds come from few bootstraps here, drawn from the process's own generators."""
    tf.keras.utils.set_random_seed(SEED)


def numbers(count, moved):
    return np.random.default_rng(count).normal(moved, 1, (count, 2)).astype("float32")


def ones(count, moved):
    """Of ones and zeros, a fifth are ones; of those that moved by 3, all."""
    return (np.random.default_rng(count).random((count, 2)) < 0.2 + moved / 3).astype("int64")


WINDOW = {"window_size": 10, "n_bootstraps": 500}
WINDOWS = {"window_sizes": [10], "n_bootstraps": 1000}
MADE = {
    "MMD": (MMDDriftOnline, numbers, WINDOW | {"backend": "tensorflow"}),
    "LSDD": (LSDDDriftOnline, numbers, WINDOW | {"backend": "tensorflow"}),
    "CVM": (CVMDriftOnline, numbers, WINDOWS | {"batch_size": 1000}),
    "FET": (FETDriftOnline, ones, WINDOWS),
}


@pytest.mark.parametrize(("kind", "rows", "settings"), MADE.values(), ids=MADE)
def test_it_alarms_on_rows_that_moved_and_begins_anew_for_each_window(kind, rows, settings):
    theirs = kind(rows(120, 0), ert=RUN_TIME, verbose=False, **settings)
    detector = AlibiDetect(theirs, accept_bsl=True)
    reference = detector.fit(from_matrix(rows(120, 0)))
    assert detector.test(reference, from_matrix(rows(60, 3))).drifted
    again = [detector.test(reference, from_matrix(rows(4, 0))) for _ in range(2)]
    assert again[0] == again[1] and not again[0].drifted
    assert again[0].threshold == pytest.approx(1 - (1 - 1 / RUN_TIME) ** 4)


@pytest.mark.parametrize(("kind", "rows", "settings"), MADE.values(), ids=MADE)
def test_a_watch_names_the_folder_of_an_artefact_and_what_is_served_alarms(
    kind, rows, settings, tmp_path
):
    save_detector(kind(rows(120, 0), ert=RUN_TIME, verbose=False, **settings), tmp_path / "saved")
    choice = chosen({"kind": "alibi", "folder": str(tmp_path / "saved"), "accept_bsl": True})
    fitted = load(choice)
    for moved, count in ((0, 4), (3, 60)):
        body = json.dumps({"instances": rows(count, moved).tolist()}).encode()
        exchange = Exchange(
            number=1,
            id="a",
            component="predictor",
            request_id="",
            time=5.0,
            received=5.0,
            rows=count,
            request=body,
            response=None,
        )
        window = examine(read([exchange]), fitted)
        assert window.verdict == ("drifted" if moved else "stable"), window
