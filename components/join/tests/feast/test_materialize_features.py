"""What a real feature server answers after a materialization, beside the join of that moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_repos import Repo, at
from feature_server import online, serving

from kanaria.components.join import join as joining
from kanaria.components.join.materialize import Request, materialize
from kanaria.components.shared.errors import DataError, ParameterError

MOMENT = at("04 00:00")


def loaded(repo: Repo, until: datetime = MOMENT, **more):
    return materialize(Request(feature_repo=str(repo.folder), until=until.isoformat(), **more))


def joined(repo: Repo, drivers: list[int], folder: Path) -> dict[str, list]:
    table = pa.table(
        {
            "driver_id": drivers,
            "event_timestamp": pa.array([MOMENT] * len(drivers), pa.timestamp("us", "UTC")),
        }
    )
    pq.write_table(table, folder / "entities.parquet")
    request = joining.Request(
        entity_rows=str(folder / "entities.parquet"),
        feature_repo=str(repo.folder),
        feature_service="trips_v1",
    )
    joining.join(request, folder / "out")
    return pq.read_table(folder / "out/rows.parquet").to_pydict()


def test_online_values_are_those_of_the_join_at_the_moment(repo, tmp_path):
    random = np.random.default_rng(5)
    hours = random.integers(0, 90, 400)
    repo.stats(
        [
            {
                "driver_id": int(driver),
                "event_timestamp": at("01 00:00") + timedelta(hours=int(hour)),
                "created": at("06 00:00") + timedelta(minutes=n),
                "trips": 2**60 + n,
                "rating": None if n % 9 == 0 else float(random.normal()),
                "busy": None if n % 7 == 0 else n % 2 == 0,
            }
            for n, (driver, hour) in enumerate(zip(random.integers(0, 40, 400), hours, strict=True))
        ]
    )
    towns = ["서울", "São Paulo", "", None, 'a "b"\n', "NaN"]
    repo.homes(
        [
            {"driver_id": n, "event_timestamp": at("01 00:00"), "town": towns[n % 6]}
            for n in range(30)
        ]
    )
    repo.apply()
    drivers = list(range(45))
    offline = joined(repo, drivers, tmp_path)
    facts = loaded(repo)
    assert facts.since["stats"] == at("02 00:00").isoformat()
    with serving(repo) as url:
        answer = online(url, "trips_v1", drivers)
    names = answer["metadata"]["feature_names"]
    columns = dict(zip(names, answer["results"], strict=True))
    for name in ("trips", "town", "busy"):
        assert columns[name]["values"] == offline[name], name
    floats = columns["rating"]["values"]
    assert [None if value in (None, "NaN") else value for value in floats] == offline["rating"]
    assert sum(value is None for value in offline["trips"]) >= 5


def test_a_moment_is_loaded_once_and_the_next_one_from_there(repo):
    repo.stats([{"driver_id": 1, "event_timestamp": at("03 00:00"), "trips": 1}])
    repo.apply()
    assert loaded(repo).since["stats"] == at("02 00:00").isoformat()
    assert loaded(repo).since == {"stats": "", "homes": ""}
    later = MOMENT + timedelta(hours=1)
    assert loaded(repo, later).since == dict.fromkeys(("homes", "stats"), MOMENT.isoformat())
    last = loaded(repo, later + timedelta(hours=1), late_hours=5, feature_views=["stats"])
    assert last.since == {"stats": (later - timedelta(hours=5)).isoformat()}


def test_rows_that_come_late_are_loaded_within_the_hours_named(repo):
    first = {"driver_id": 1, "event_timestamp": at("03 00:00"), "trips": 1}
    repo.stats([first])
    store = repo.apply()
    loaded(repo)
    repo.stats([first, {"driver_id": 1, "event_timestamp": at("03 20:00"), "trips": 2}])
    service, rows = store.get_feature_service("stats_v1"), [{"driver_id": 1}]
    loaded(repo, MOMENT + timedelta(hours=1))
    assert store.get_online_features(service, rows).to_dict()["trips"] == [1]
    loaded(repo, MOMENT + timedelta(hours=2), late_hours=24)
    assert store.get_online_features(service, rows).to_dict()["trips"] == [2]


def test_moments_of_the_future_or_before_the_last_one_are_refused(repo):
    repo.apply()
    with pytest.raises(ParameterError, match="rows of the future are not there yet"):
        loaded(repo, datetime.now(UTC) + timedelta(hours=1))
    loaded(repo)
    with pytest.raises(ParameterError, match="feature view 'stats' is online up to 2026-01-04"):
        loaded(repo, MOMENT - timedelta(seconds=1))
    with pytest.raises(ParameterError, match="'yesterday' is no time"):
        materialize(Request(feature_repo=str(repo.folder), until="yesterday"))
    with pytest.raises(ParameterError, match="no view 'nope' with online=True"):
        loaded(repo, feature_views=["nope"])


def test_rows_that_do_not_say_when_they_were_created_are_refused(repo):
    repo.stats([{"driver_id": 1, "event_timestamp": at("03 00:00"), "created": None}])
    repo.apply()
    with pytest.raises(DataError, match="1 row has no 'created'"):
        loaded(repo)


def test_numbers_that_feast_would_change_are_refused_before_anything_is_loaded(repo):
    repo.stats(
        [
            {"driver_id": 1, "event_timestamp": at("03 00:00"), "trips": 2**53 + 1},
            {"driver_id": 2, "event_timestamp": at("03 00:00"), "trips": None},
        ]
    )
    store = repo.apply()
    with pytest.raises(DataError, match="'trips' has missing values beside 9007199254740993"):
        loaded(repo)
    assert store.get_feature_view("homes").most_recent_end_time is None
