"""History, registry and online values in a real PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pgserver
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import (
    PostgreSQLSource,
)
from feast.types import Float32, Int64, String
from feature_repos import at

from kanaria.components.join import join as joining
from kanaria.components.join import materialize as loading
from kanaria.components.shared.errors import NotReadyError

CONFIG = """\
project: trips
provider: local
registry: {{registry_type: sql, path: "postgresql+psycopg://postgres@/postgres?host={host}"}}
offline_store: &database
  type: postgres
  host: {host}
  port: 5432
  database: postgres
  user: postgres
  password: ${{FEAST_PASSWORD}}
  sslmode: disable
online_store: *database
entity_key_serialization_version: 3
"""
TABLE = """\
CREATE TABLE stats (driver bigint, at timestamptz, written timestamptz, trips bigint,
  rating double precision, town text);
INSERT INTO stats VALUES
  (1, '2026-01-02 00:00+00', '2026-01-02 00:00+00', 9007199254740993, 0.1, 'first'),
  (1, '2026-01-02 00:00+00', '2026-01-02 01:00+00', 9007199254740995, 0.2, 'corrected'),
  (1, '2026-01-05 00:00+00', '2026-01-05 00:00+00', 3, 0.3, 'of the future'),
  (2, '2026-01-03 09:00+09', '2026-01-03 00:00+00', 4, NULL, NULL),
  (3, '2025-12-01 00:00+00', '2025-12-01 00:00+00', 5, 0.5, 'beyond the ttl');
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Iterator[str]:
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    (host,) = parse_qs(urlsplit(server.get_uri()).query)["host"]
    server.psql(TABLE)
    folder = tmp_path_factory.mktemp("repo")
    (folder / "feature_store.yaml").write_text(CONFIG.format(host=host))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEAST_PASSWORD", "unused")
        driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
        kinds = {"driver_id": Int64, "trips": Int64, "rating": Float32, "town": String}
        view = FeatureView(
            name="stats",
            entities=[driver],
            ttl=timedelta(days=7),
            schema=[Field(name=name, dtype=kind) for name, kind in kinds.items()],
            source=PostgreSQLSource(
                name="stats_table",
                query="SELECT * FROM stats",
                timestamp_field="at",
                created_timestamp_column="written",
                field_mapping={"driver": "driver_id"},
            ),
        )
        store = FeatureStore(repo_path=str(folder))
        store.apply([driver, view, FeatureService(name="trips_v1", features=[view])])
        yield str(folder)
    server.cleanup()


def rows(folder) -> str:
    table = pa.table(
        {
            "driver_id": [3, 2, 1, 1],
            "event_timestamp": pa.array(
                [at("04 00:00"), at("03 00:00"), at("02 00:00"), at("04 00:00")],
                pa.timestamp("us", "UTC"),
            ),
        }
    )
    pq.write_table(table, folder / "rows.parquet")
    return str(folder / "rows.parquet")


def test_the_join_is_that_of_files(repo, tmp_path):
    request = joining.Request(
        entity_rows=rows(tmp_path), feature_repo=repo, feature_service="trips_v1"
    )
    facts = joining.join(request, tmp_path / "out")
    table = pq.read_table(tmp_path / "out/rows.parquet")
    assert table.column("rating").type == pa.float32()
    assert table.column("trips").to_pylist() == [None, 4, 2**53 + 3, 2**53 + 3]
    assert table.column("town").to_pylist() == [None, None, "corrected", "corrected"]
    assert (facts.missing, facts.written_later) == ({"stats": 1}, {"stats": 1})


def test_online_values_are_those_of_the_join(repo):
    until = at("04 00:00").isoformat()
    loading.materialize(loading.Request(feature_repo=repo, until=until))
    store = FeatureStore(repo_path=repo)
    online = store.get_online_features(
        store.get_feature_service("trips_v1"), [{"driver_id": driver} for driver in (1, 2, 3)]
    ).to_dict()
    assert online["trips"] == [2**53 + 3, 4, None]
    assert online["town"] == ["corrected", None, None]
    assert online["rating"] == [pytest.approx(0.2), None, None]


def test_a_database_that_does_not_answer_is_told(tmp_path):
    config = CONFIG.format(host=tmp_path).replace("${FEAST_PASSWORD}", "unused")
    (tmp_path / "feature_store.yaml").write_text(config)
    request = joining.Request(
        entity_rows=rows(tmp_path), feature_repo=str(tmp_path), feature_service="trips_v1"
    )
    with pytest.raises(
        NotReadyError, match=r"registry of 'trips': does not answer: .*No such file"
    ):
        joining.join(request, tmp_path / "out")
