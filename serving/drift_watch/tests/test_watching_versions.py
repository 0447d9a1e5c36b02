"""With {version} in its place, each model version is compared with its own release's detector."""

from pathlib import Path

import pytest
from watched_traffic import BEGIN, Traffic, fitted, table, watch

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.detector_document import Choice
from kanaria.serving.drift_watch.watch_detectors import detectors
from kanaria.serving.drift_watch.window_runner import Runner, Watched
from kanaria.serving.payload_log.open_store import open_reader, open_store

LATE = BEGIN + 10_000


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Releases 3 and 4; the latter was trained on what has moved."""
    for version, moved in (("3", 0.0), ("4", 2.0)):
        detector = fitted().detector
        reference = detector.fit(table(2000, 1, moved))
        saved_detector.save(tmp_path / version / "drift_detector", detector, reference)
    return str(tmp_path / "{version}" / "drift_detector")


def test_each_version_is_compared_with_its_own_detector(place: str, tmp_path: Path):
    location = str(tmp_path / "events.sqlite")
    for version in ("3", "4", "5"):
        Traffic(location, version).send_table(200, seed=2, moved=2.0)
    store, reader = open_store(location), open_reader(location)
    watched = Watched(watch=watch(), fitted=detectors(Choice(folder=place)))
    assert Runner(store, reader, [watched], lambda *_: None).turn(LATE) == 3
    verdict_by_version = {
        verdict.stream.version: verdict for verdict in reader.verdicts(None, 0.0, 1e12)
    }
    assert {version: verdict.drifted for version, verdict in verdict_by_version.items()} == {
        "3": True,
        "4": False,
        "5": None,  # Nothing was told.
    }
    assert "no such file or folder" in verdict_by_version["5"].document  # Failed, with the reason.


def test_a_detector_is_loaded_once(place: str):
    detector_of = detectors(Choice(folder=place))
    assert detector_of("3") is detector_of("3")


@pytest.mark.parametrize("version", ["", "../3", "a/b", "3\n"])
def test_a_version_that_is_no_name_reaches_no_folder(place: str, version: str):
    with pytest.raises(DataError, match="names no release"):
        detectors(Choice(folder=place))(version)
