import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from event_sender import headers

from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.pipelines.flights import drift_watch
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.report_records import Watched
from kanaria.serving.drift.table_detector import Table

REQUESTS, ROWS = 20, 20
LATE = [number % 2 for number in range(ROWS)]
RELEASES = {"winter": 40.0, "spring": 70.0}
"""Version of a model -> mean temperature of the months it was trained on."""
SUMMER = 75.0


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Releases with the detectors of their training months."""
    folder = tmp_path_factory.mktemp("releases")
    generator = np.random.default_rng(1)
    for version, mean in RELEASES.items():
        rows = {
            "temp": generator.normal(mean, 15, 5000),
            "carrier": generator.choice(["UA", "AA"], 5000),
        }
        detector = Table(least=0.2)
        saved_detector.save(folder / version / "drift_detector", detector, detector.fit(rows))
    return folder


@pytest.fixture(scope="module")
def versions(releases: Path) -> list[Watched]:
    """What is seen of a summer's day that both versions answered, and of most of its labels."""
    store, generator = releases / "events.sqlite", np.random.default_rng(2)
    begin = time.time()
    with (
        drift_watch.received(store) as ready,
        httpx.Client(base_url=ready(), timeout=None) as client,
    ):
        for number in range(REQUESTS):
            rows = [
                {"temp": round(generator.normal(SUMMER, 15), 1), "carrier": carrier}
                for carrier in generator.choice(["UA", "AA"], ROWS).tolist()
            ]
            bodies = {
                "request": {"instances": rows},
                "response": {"predictions": [[0.8 if late else 0.1] for late in LATE]},
            }
            for kind, body in bodies.items():
                version = list(RELEASES)[number % 2]
                event_headers = headers(kind, f"id-{number}", f"flights-{number}", version)
                client.post("/", content=json.dumps(body), headers=event_headers).raise_for_status()
        # The last flight of each request has not landed yet.
        labels = [*LATE[:-1], None]
        event_headers = [{"request_id": f"flights-{n}", "labels": labels} for n in range(REQUESTS)]
        client.post("/labels", json=event_headers).raise_for_status()
        drift_watch.wait_for(store, begin, REQUESTS * ROWS)
    return drift_watch.watched(store, releases, begin)


def test_each_version_is_compared_with_what_it_was_trained_on(versions: list[Watched]):
    spring, winter = versions
    assert (spring.name, winter.name) == ("flights, version spring", "flights, version winter")
    drifted = {
        one.name: {feature.feature for feature in one.windows[0].features if feature.drifted}
        for one in versions
    }
    assert drifted == {spring.name: set(), winter.name: {"temp"}}


@pytest.mark.usefixtures("versions")
def test_what_was_seen_is_found_in_the_store(releases: Path):
    kanaria = Path(sys.executable).with_name("kanaria")
    command = [str(kanaria), "drift", "status", "--store", str(releases / "events.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    spring, winter = done.stdout.splitlines()
    assert spring.startswith("models/flights, version spring, drift; ")
    assert "; DRIFTED; " in winter
    assert "DRIFTED" not in spring
    assert all("labels 95" in line for line in (spring, winter))


@pytest.mark.usefixtures("versions")
def test_rows_that_the_log_lost_are_told(releases: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drift_watch, "QUIET_SECONDS", 0.0)
    with pytest.raises(NotReadyError, match="the payload log lost 3 of 403 rows"):
        drift_watch.wait_for(releases / "events.sqlite", 0.0, REQUESTS * ROWS + 3)


@pytest.mark.parametrize("missing", [{"temp": None}, {}])
def test_null_and_an_absent_key_count_as_missing(
    releases: Path, tmp_path: Path, missing: dict[str, None]
):
    begin, generator = time.time(), np.random.default_rng(3)
    temperatures = generator.normal(RELEASES["winter"], 15, 400).round(1)
    with drift_watch.received(tmp_path / "events.sqlite") as ready:
        url = ready()
        rows = [
            {"carrier": "UA" if number % 2 else "AA"}
            | ({"temp": float(temp)} if number % 4 else missing)
            for number, temp in enumerate(temperatures)
        ]
        bodies = {
            "request": {"instances": rows},
            "response": {"predictions": [[0.5]] * len(rows)},
        }
        for kind, body in bodies.items():
            event_headers = headers(kind, "id", "flights", "winter")
            httpx.post(url, content=json.dumps(body), headers=event_headers).raise_for_status()
    ((window,),) = [
        one.windows for one in drift_watch.watched(tmp_path / "events.sqlite", releases, begin)
    ]
    (feature,) = [one for one in window.features if one.feature == "temp (missing)"]
    assert feature.drifted
    assert feature.effect.value == pytest.approx(0.25)


def test_the_table_of_drift_begins_with_the_largest_effect(versions: list[Watched]):
    _, temp, carrier = drift_watch.drift_table(versions[1]).splitlines()
    assert temp.split()[0] == "temp"
    assert temp.endswith("drifted")
    assert carrier.split()[0] == "carrier"
    assert not carrier.endswith("drifted")


def test_the_table_of_quality_tells_coverage_and_bands(versions: list[Watched]):
    for line in drift_watch.quality_table(versions).splitlines()[1:]:
        rows, labelled = line.split()[3:5]
        assert (rows, labelled) == ("200", "95.0%")
        assert "1.000 (0.9" in line


def test_a_version_without_labels_has_no_quality(versions: list[Watched]):
    nothing = replace(versions[0], labels=(replace(versions[0].labels[0], lag=None, metrics=()),))
    assert drift_watch.quality_table([nothing]).splitlines()[1].split()[-3:] == ["–", "–", "–"]


def test_the_page_and_its_twin_are_written(versions: list[Watched], tmp_path: Path):
    assert "version winter" in drift_watch.write_report(versions, tmp_path).read_text()
    assert len(json.loads((tmp_path / "drift.json").read_text())["watched"]) == 2


@pytest.mark.usefixtures("versions")
def test_a_release_without_a_detector_is_named(releases: Path, tmp_path: Path):
    with pytest.raises(DataError, match="the release has no drift detector"):
        drift_watch.watched(releases / "events.sqlite", tmp_path, 0.0)
