"""Writes a feature repository and entity rows, in Feast's runtime: make_feature_repo.py FOLDER.

Drivers 0 to 9 have features of 2 January, those of 5 to 9 others of 3 January.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float32, Int64, String

CONFIG = """\
project: trips
provider: local
registry: registry.db
offline_store: {type: file}
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""
folder = Path(sys.argv[1])
folder.mkdir()
(folder / "feature_store.yaml").write_text(CONFIG)
day = datetime(2026, 1, 2, tzinfo=UTC)
rows = [
    {
        "driver_id": driver,
        "event_timestamp": day + timedelta(days=late),
        "x": 0.1 * driver + late,
        "n": 10 * driver + late,
        "long": 2**60 + driver,
        "word": f"driver {driver} 서울" if driver else None,
    }
    for late in (0, 1)
    for driver in range(5 * late, 10)
]
pq.write_table(pa.Table.from_pylist(rows), folder / "stats.parquet")
wanted = [
    {"driver_id": driver, "event_timestamp": day + timedelta(days=2), "label": driver % 2}
    for driver in range(12)
]
pq.write_table(pa.Table.from_pylist(wanted), folder / "entities.parquet")
driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
fields = {"driver_id": Int64, "x": Float32, "n": Int64, "word": String, "long": Int64}
view = FeatureView(
    name="stats",
    entities=[driver],
    ttl=timedelta(days=3),
    schema=[Field(name=name, dtype=kind) for name, kind in fields.items()],
    source=FileSource(path="stats.parquet", timestamp_field="event_timestamp"),
)
store = FeatureStore(repo_path=str(folder))
short = FeatureService(name="trips_v1", features=[view[["x", "n", "word"]]])
store.apply([driver, view, short, FeatureService(name="trips_v2", features=[view])])
