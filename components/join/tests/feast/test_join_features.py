"""Training rows from a real Feast repository, beside pandas' own point-in-time join."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_repos import Repo, at

from kanaria.components.join.join import Joined, Request, join
from kanaria.components.shared.errors import DataError, ParameterError

ENTITIES = [("driver_id", pa.int64()), ("event_timestamp", pa.timestamp("us", "UTC"))]


def entities(folder: Path, rows: list[dict], more: tuple = (("label", pa.int64()),)) -> str:
    path = folder / "entities.parquet"
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([*ENTITIES, *more])), path)
    return str(path)


def joined(repo: Repo, rows: str, target: Path, service: str = "trips_v1", **more) -> Joined:
    request = Request(
        entity_rows=rows, feature_repo=str(repo.folder), feature_service=service, **more
    )
    return join(request, target)


def read(target: Path) -> list[dict]:
    return pq.read_table(target / "rows.parquet").to_pylist()


def test_rows_equal_an_independent_join_with_ties_and_ttl(repo, tmp_path):
    random = np.random.default_rng(3)
    base = pd.Timestamp("2026-01-01", tz="UTC")
    count = 3000
    stats = pd.DataFrame(
        {
            "driver_id": random.integers(0, 40, count),
            "event_timestamp": base + pd.to_timedelta(random.integers(0, 90, count), unit="h"),
            "created": base + pd.to_timedelta(random.permutation(count), unit="min"),
            "trips": np.arange(count) + 2**60,
            "rating": random.normal(size=count),
        }
    )
    repo.stats(stats.assign(busy=True).to_dict("records"))
    homes = stats[["driver_id", "event_timestamp"]].iloc[:30].drop_duplicates()
    repo.homes([{**row, "town": f"town {n}"} for n, row in enumerate(homes.to_dict("records"))])
    repo.apply()
    entity_frame = pd.DataFrame(
        {
            "driver_id": random.integers(0, 45, 700),
            "event_timestamp": base + pd.to_timedelta(random.integers(-5, 150, 700), unit="h"),
            "label": np.arange(700),
        }
    )
    facts = joined(repo, entities(tmp_path, entity_frame.to_dict("records")), tmp_path / "out")

    # In order of time and creation, so that the later of two of one time is the last; small
    # numbers, since merge_asof makes floats of those beside missing ones.
    right = stats.assign(trips=np.arange(count), stats_time=stats["event_timestamp"])
    right = right.sort_values(["event_timestamp", "created"]).drop(columns="event_timestamp")
    left = entity_frame.sort_values("event_timestamp", kind="stable")
    expected = pd.merge_asof(
        left,
        right,
        left_on="event_timestamp",
        right_on="stats_time",
        by="driver_id",
        tolerance=pd.Timedelta(days=2),
    ).sort_values("label")
    rows = read(tmp_path / "out")
    assert [row["label"] for row in rows] == list(range(700))
    assert [row["trips"] for row in rows] == [
        None if np.isnan(trips) else int(trips) + 2**60 for trips in expected["trips"]
    ]
    want = [None if np.isnan(r) else float(np.float32(r)) for r in expected["rating"]]
    assert [row["rating"] for row in rows] == want
    missing = int(expected["trips"].isna().sum())
    assert 0 < missing < 700
    assert facts.missing["stats"] == missing
    assert facts.rows == 700


def test_values_of_the_future_and_beyond_the_ttl_are_not_joined(repo, tmp_path):
    repo.stats(
        [
            {"driver_id": 1, "event_timestamp": at("02 00:00"), "trips": 1},
            {"driver_id": 1, "event_timestamp": at("04 00:00"), "trips": 2},
        ]
    )
    repo.apply()
    moments = ["01 23:59", "02 00:00", "03 23:59", "04 00:00", "06 00:00", "06 00:01"]
    rows = [{"driver_id": 1, "event_timestamp": at(moment)} for moment in moments]
    facts = joined(repo, entities(tmp_path, rows), tmp_path / "out", "stats_v1")
    assert [row["trips"] for row in read(tmp_path / "out")] == [None, 1, 1, 2, 2, None]
    assert (facts.joined, facts.missing) == (4, {"stats": 2})


def test_what_one_view_lacks_takes_nothing_of_another(repo, tmp_path):
    repo.stats([{"driver_id": 1, "event_timestamp": at("02 00:00"), "trips": 2**53 + 1}])
    repo.homes([{"driver_id": 2, "event_timestamp": at("01 00:00"), "town": "Seoul"}])
    repo.apply()
    rows = [{"driver_id": d, "event_timestamp": at("03 00:00"), "label": d} for d in (3, 2, 1, 1)]
    facts = joined(repo, entities(tmp_path, rows), tmp_path / "out")
    assert [(r["label"], r["trips"], r["town"]) for r in read(tmp_path / "out")] == [
        (3, None, None),
        (2, None, "Seoul"),
        (1, 2**53 + 1, None),
        (1, 2**53 + 1, None),
    ]
    assert (facts.rows, facts.joined, facts.missing) == (4, 0, {"stats": 2, "homes": 3})


@pytest.mark.parametrize(("policy", "left"), [("keep", [1, 2]), ("drop", [1])])
def test_missing_rows_are_kept_or_dropped_as_asked(repo, tmp_path, policy, left):
    repo.stats([{"driver_id": 1, "event_timestamp": at("02 00:00"), "trips": 4}])
    repo.apply()
    rows = [{"driver_id": d, "event_timestamp": at("02 10:00"), "label": d} for d in (1, 2)]
    data = entities(tmp_path, rows)
    facts = joined(repo, data, tmp_path / "out", "stats_v1", missing_rows=policy)
    assert [row["label"] for row in read(tmp_path / "out")] == left
    assert facts.dropped == 2 - len(left)


def test_missing_rows_fail_where_none_may_be(repo, tmp_path):
    repo.apply()
    rows = [{"driver_id": None, "event_timestamp": at("02 10:00"), "label": 1}]
    data = entities(tmp_path, rows)
    with pytest.raises(DataError, match=r"1 of 1 rows lack features \(stats: 1\).*row 1"):
        joined(repo, data, tmp_path / "out", "stats_v1", missing_rows="fail")
    with pytest.raises(DataError, match="none would be left"):
        joined(repo, data, tmp_path / "out", "stats_v1", missing_rows="drop")
    assert not (tmp_path / "out").exists()


def test_values_written_later_are_counted_and_passed_over_on_request(repo, tmp_path):
    old = {"driver_id": 1, "event_timestamp": at("01 00:00"), "created": at("01 00:00"), "trips": 1}
    late = {
        "driver_id": 1,
        "event_timestamp": at("01 06:00"),
        "created": at("05 00:00"),
        "trips": 2,
    }
    repo.stats([old, late])
    repo.apply()
    data = entities(tmp_path, [{"driver_id": 1, "event_timestamp": at("02 00:00")}])
    facts = joined(repo, data, tmp_path / "a", "stats_v1")
    assert (read(tmp_path / "a")[0]["trips"], facts.written_later) == (2, {"stats": 1})
    facts = joined(repo, data, tmp_path / "b", "stats_v1", filter_by_created_timestamp=True)
    assert (read(tmp_path / "b")[0]["trips"], facts.written_later) == (1, {"stats": 0})


def test_twins_of_one_time_are_counted(repo, tmp_path):
    twins = [{"driver_id": 1, "event_timestamp": at("01 00:00"), "trips": n} for n in (7, 3)]
    repo.stats(twins)
    repo.apply()
    data = entities(tmp_path, [{"driver_id": 1, "event_timestamp": at("01 00:00")}])
    facts = joined(repo, data, tmp_path / "out", "stats_v1")
    assert (read(tmp_path / "out")[0]["trips"], facts.ambiguous) == (3, {"stats": 1})


@pytest.mark.parametrize(
    "times",
    ["2026-01-02T00:00:00", "2026-01-02T09:00:00+09:00", "2026-01-02T00:00:00Z", "2026-01-02"],
)
def test_times_of_csv_are_instants_and_utc_without_a_zone(repo, tmp_path, times):
    repo.stats(
        [
            {"driver_id": 1, "event_timestamp": at("02 00:00"), "trips": 1},
            {"driver_id": 1, "event_timestamp": at("02 00:01"), "trips": 2},
        ]
    )
    repo.apply()
    path = tmp_path / "rows.csv"
    path.write_text(f"driver_id,event_timestamp,label,zip\n1,{times},0,01234\n")
    joined(repo, str(path), tmp_path / "out", "stats_v1")
    [row] = read(tmp_path / "out")
    assert (row["trips"], row["label"], row["zip"]) == (1, 0, "01234")


def test_a_column_of_the_rows_that_is_a_feature_is_refused(repo, tmp_path):
    repo.apply()
    rows = [{"driver_id": 1, "event_timestamp": at("02 00:00"), "trips": 1}]
    data = entities(tmp_path, rows, (("trips", pa.int64()),))
    with pytest.raises(DataError, match="column 'trips' is a feature of view 'stats'"):
        joined(repo, data, tmp_path / "out")
    facts = joined(repo, data, tmp_path / "out", full_feature_names=True)
    assert "stats__trips" in read(tmp_path / "out")[0]
    assert facts.missing == {"stats": 1, "homes": 1}


def test_faults_name_what_there_is(repo, tmp_path):
    repo.apply()
    data = entities(tmp_path, [{"driver_id": 1, "event_timestamp": at("02 00:00")}])
    with pytest.raises(
        ParameterError, match=r"'nope': not in the registry.*'stats_v1', 'trips_v1'"
    ):
        joined(repo, data, tmp_path / "out", "nope")
    with pytest.raises(ParameterError, match="use keep, drop, fail"):
        joined(repo, data, tmp_path / "out", missing_rows="skip")
    with pytest.raises(ParameterError, match=r"no feature_store\.yaml in it"):
        join(
            Request(entity_rows=data, feature_repo=str(tmp_path), feature_service="x"),
            tmp_path / "out",
        )
    path = tmp_path / "keyless.csv"
    path.write_text("driver,event_timestamp\n1,2026-01-02\n")
    with pytest.raises(DataError, match="no column 'driver_id', a join key"):
        joined(repo, str(path), tmp_path / "out")


def test_metadata_is_plain_and_the_reference_is_pinned(repo, tmp_path):
    repo.stats([{"driver_id": 1, "event_timestamp": at("02 00:00"), "trips": 1}])
    repo.apply()
    data = entities(tmp_path, [{"driver_id": 1, "event_timestamp": at("02 00:00")}])
    facts = joined(repo, data, tmp_path / "out", "stats_v1")
    from kanaria.components.shared.data import data_reference

    assert facts.data(str(tmp_path / "out")) == data_reference.pin(
        str(tmp_path / "out/rows.parquet")
    )
    assert json.dumps(facts.missing) == '{"stats": 0}'
