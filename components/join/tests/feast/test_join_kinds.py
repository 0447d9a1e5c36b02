"""Feature services of several forms: views twice, without entities, of every type."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureService, FeatureView, Field, FileSource
from feast.types import Array, Bytes, Float32, Float64, Int64, ScalarMap, String, UnixTimestamp
from feature_repos import Repo, at
from feature_server import online as served
from feature_server import serving

from kanaria.components.join.join import Request, join
from kanaria.components.join.materialize import Request as Moment
from kanaria.components.join.materialize import materialize
from kanaria.components.shared.errors import ParameterError

DAY = pa.array([at("01 00:00")], pa.timestamp("us", "UTC"))


def joined(repo: Repo, rows: pa.Table, service: str, **more) -> pa.Table:
    path = repo.folder / "entities.parquet"
    pq.write_table(rows, path)
    request = Request(
        entity_rows=str(path), feature_repo=str(repo.folder), feature_service=service, **more
    )
    join(request, repo.folder / "out")
    return pq.read_table(repo.folder / "out/rows.parquet")


def view(repo: Repo, table: pa.Table, name: str, fields: dict, *, keys: bool = True) -> FeatureView:
    """Return a view of one or two files in a folder."""
    driver = repo.objects()[0]
    folder = repo.folder / f"data/{name}"
    folder.mkdir()
    for number in range(table.num_rows):
        pq.write_table(table.slice(number, 1), folder / f"{number}.parquet")
    key = {"driver_id": Int64} if keys else {}
    return FeatureView(
        name=name,
        entities=[driver] if keys else [],
        ttl=timedelta(days=30),
        schema=[Field(name=column, dtype=kind) for column, kind in {**key, **fields}.items()],
        source=FileSource(
            name=f"{name}_files", path=f"data/{name}", timestamp_field="event_timestamp"
        ),
    )


def test_a_view_that_stands_twice_is_joined_by_each_of_its_keys(repo):
    repo.stats(
        [{"driver_id": d, "event_timestamp": at("01 00:00"), "trips": 10 * d} for d in (1, 2)]
    )
    _, stats, *_ = repo.objects()
    twice = [
        stats.with_name(end).with_join_key_map({"driver_id": f"{end}_id"}) for end in ("from", "to")
    ]
    repo.apply(FeatureService(name="pairs", features=twice))
    rows = pa.table({"from_id": [1, 2], "to_id": [2, 9], "event_timestamp": ["2026-01-02"] * 2})
    with pytest.raises(ParameterError, match="two views have a feature 'busy'"):
        joined(repo, rows, "pairs")
    table = joined(repo, rows, "pairs", full_feature_names=True).to_pydict()
    assert table["from__trips"] == [10, 20]
    assert table["to__trips"] == [20, None]


def test_every_type_has_its_form_in_the_rows(repo):
    source = pa.table(
        {
            "driver_id": pa.array([1, 2], pa.int32()),
            "event_timestamp": pa.concat_arrays([DAY, DAY]).cast(pa.timestamp("ns", "UTC")),
            "vector": [[0.1, 2.0], None],
            "seen": pa.array([1_767_236_400_900, None], pa.timestamp("ms", "UTC")),
            "kind": pa.array(["a", None]).dictionary_encode(),
            "whole": [0, 1],
            "raw": [b"\xff", None],
            "tags": [["x"], []],
        }
    )
    kinds = {
        "vector": Array(Float32),
        "seen": UnixTimestamp,
        "kind": String,
        "whole": Float32,
        "raw": Bytes,
        "tags": Array(String),
    }
    forms = view(repo, source, "forms", kinds)
    rate = pa.table({"event_timestamp": DAY, "rate": [1.5]})
    everybodys = view(repo, rate, "everybodys", {"rate": Float64}, keys=False)
    store = repo.apply(forms, everybodys, FeatureService(name="all", features=[forms, everybodys]))
    rows = pa.table({"driver_id": [2, 1], "event_timestamp": ["2026-01-02"] * 2})
    table = joined(repo, rows, "all")
    assert [str(table[name].type) for name in (*kinds, "rate")] == [
        "list<element: float>",
        "int64",
        "string",
        "float",
        "binary",
        "list<element: string>",
        "double",
    ]
    offline = table.select([*kinds, "rate"]).to_pydict()
    assert offline["raw"] == [None, b"\xff"]
    assert offline["rate"] == [1.5, 1.5]
    materialize(Moment(feature_repo=str(repo.folder), until="2026-01-02"))
    service = store.get_feature_service("all")
    online = store.get_online_features(service, [{"driver_id": 2}, {"driver_id": 1}]).to_dict()
    for name in ("kind", "whole", "raw", "rate"):
        assert online[name] == offline[name], name
    assert online["vector"][1] == offline["vector"][1]
    assert offline["seen"] == [None, 1_767_236_400]
    with serving(repo) as url:
        answer = served(url, "all", [2, 1])
    columns = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
    # Feast's sign for no time, which serving takes for missing.
    assert columns["seen"]["values"] == [-(2**63), 1_767_236_400]


def test_a_type_without_a_form_is_told(repo):
    source = pa.table({"driver_id": [1], "event_timestamp": DAY, "facts": ["{}"]})
    facts = view(repo, source, "facts", {"facts": ScalarMap})
    repo.apply(facts, FeatureService(name="facts_v1", features=[facts]))
    rows = pa.table({"driver_id": [1], "event_timestamp": ["2026-01-02"]})
    with pytest.raises(ParameterError, match="feature 'facts': type ScalarMap has no form"):
        joined(repo, rows, "facts_v1")


def test_a_faulty_repository_is_told_on_one_line(repo):
    rows = pa.table({"driver_id": [1], "event_timestamp": ["2026-01-02"]})
    config = repo.folder / "feature_store.yaml"
    right = config.read_text()
    for text in (
        "project: [",
        right.replace("file", "nowhere"),
        right.replace("sqlite", "nowhere"),
    ):
        config.write_text(text)
        with pytest.raises(ParameterError, match=r"feature_store\.yaml: ") as raised:
            joined(repo, rows, "stats_v1")
        assert "\n" not in str(raised.value)
