"""A tiny Feast repository: drivers, their trips and where they live."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float32, Int64, String

FEAST = Path(sys.executable).with_name("feast")
CONFIG = """\
project: trips
provider: local
registry: data/registry.db
offline_store: {type: file}
online_store: {type: sqlite, path: data/online.db}
entity_key_serialization_version: 3
"""
UTC_TIME = pa.timestamp("us", "UTC")
STATS = pa.schema(
    [
        ("driver_id", pa.int64()),
        ("event_timestamp", UTC_TIME),
        ("created", UTC_TIME),
        ("trips", pa.int64()),
        ("rating", pa.float64()),
        ("busy", pa.bool_()),
    ]
)
HOMES = pa.schema([("driver_id", pa.int64()), ("event_timestamp", UTC_TIME), ("town", pa.string())])


def at(text: str) -> datetime:
    """Return a time of January 2026 in UTC: "02 10:30"."""
    return datetime.fromisoformat(f"2026-01-{text}+00:00")


@dataclass
class Repo:
    """A repository in a folder; files are written first, then `apply`."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "feature_store.yaml").write_text(CONFIG)
        self.stats([])
        self.homes([])

    def stats(self, rows: list[dict[str, Any]]) -> None:
        """Write the trips: driver_id, event_timestamp and, where known, the rest."""
        rows = [{"created": row["event_timestamp"], **row} for row in rows]
        pq.write_table(pa.Table.from_pylist(rows, STATS), self.folder / "data/stats.parquet")

    def homes(self, rows: list[dict[str, Any]]) -> None:
        """Write where drivers live."""
        pq.write_table(pa.Table.from_pylist(rows, HOMES), self.folder / "data/homes.parquet")

    def objects(self) -> list[Any]:
        """Return what `feast apply` would find in a file of definitions."""
        driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
        key = Field(name="driver_id", dtype=Int64)
        fields = [
            Field(name="trips", dtype=Int64),
            Field(name="rating", dtype=Float32),
            Field(name="busy", dtype=Bool),
        ]
        stats = FeatureView(
            name="stats",
            entities=[driver],
            ttl=timedelta(days=2),
            schema=[key, *fields],
            source=FileSource(
                name="stats_file",
                path="data/stats.parquet",
                timestamp_field="event_timestamp",
                created_timestamp_column="created",
            ),
        )
        homes = FeatureView(
            name="homes",
            entities=[driver],
            ttl=timedelta(0),
            schema=[key, Field(name="town", dtype=String)],
            source=FileSource(
                name="homes_file", path="data/homes.parquet", timestamp_field="event_timestamp"
            ),
        )
        services = [
            FeatureService(name="stats_v1", features=[stats]),
            FeatureService(name="trips_v1", features=[stats, homes]),
        ]
        return [driver, stats, homes, *services]

    def apply(self, *more: Any) -> FeatureStore:
        """Write the registry."""
        store = FeatureStore(repo_path=str(self.folder))
        store.apply([*self.objects(), *more])
        return store


def feast(repo: Repo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command `feast` in a repository."""
    return subprocess.run(
        [str(FEAST), *arguments], cwd=repo.folder, capture_output=True, text=True, check=True
    )
