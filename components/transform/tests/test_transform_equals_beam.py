"""Every analyzer gives, bit by bit, what TFT's Beam engine gives for the same rows."""

import gzip
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.transform import analysis, beam_engine, user_code
from kanaria.components.transform.materialize import Transform

MODULE = Path(__file__).with_name("analyzers_module.py")
SCHEMA = """
feature { name: "id" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "miles" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "carrier" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "hour" type: INT presence { min_count: 1 } }
feature { name: "score" type: FLOAT }
feature { name: "tags" type: BYTES }
feature { name: "never" type: BYTES }
"""
# One batch and one row, no row at all, and a file of a single row.
FILES = (1001, 0, 700, 1)
TYPES = pa.schema(
    {
        "id": pa.int64(),
        "miles": pa.float32(),
        "carrier": pa.string(),
        "hour": pa.int64(),
        "score": pa.list_(pa.float32()),
        "tags": pa.list_(pa.string()),
        "never": pa.null(),
    }
)
# Written anew with their own numbers: TensorFlow counts its functions through a process.
GRAPH = {"transform_fn/saved_model.pb", "transform_fn/fingerprint.pb"}


def row(draw, number):
    """Missing values, none and several a row, NaN, text outside ASCII, a key of one row."""
    carrier = draw.choices(["AA", "AB", "é", "x y", "日本", ""], range(1, 7))[0]
    return {
        "id": number,
        "miles": draw.uniform(0, 1e6 if draw.random() < 0.01 else 1000),
        "carrier": "only once" if number == 7 else carrier,
        "hour": None if draw.random() < 0.2 else draw.randrange(24),
        "score": [draw.choice([draw.gauss(0, 5), float("nan")]) for _ in range(draw.randrange(3))],
        "tags": [draw.choice(["a", "b", "é", "two\nlines", ""]) for _ in range(draw.randrange(4))],
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, draw, first = tmp_path_factory.mktemp("rows"), random.Random(1), 0
    found = {}
    for place, size in enumerate(FILES):
        path = folder / f"part-{place:05d}.parquet"
        rows = [row(draw, number) for number in range(first, first + size)]
        pq.write_table(pa.Table.from_pylist(rows, TYPES), path)
        found[path], first = size, first + size
    return found


@pytest.fixture(scope="module")
def schema():
    return text_format.Parse(SCHEMA, schema_pb2.Schema())


@pytest.fixture(scope="module")
def graphs(files, schema, tmp_path_factory):
    """The folders of both engines' graphs."""
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    function = user_code.load(str(MODULE), "preprocessing_fn", {}, schema)
    analysis.analyze(files, schema, function, ours, LocalEngine())
    beam_engine.analyze(list(files), schema, function, theirs, Beam())
    return ours, theirs


@pytest.fixture(scope="module")
def tables(files, schema, graphs):
    """All rows as both graphs transform them."""

    def transformed(graph):
        saved = Transform(schema, graph)
        return pa.concat_tables(table for file in files for table in saved.tables(file, ""))

    return [transformed(graph) for graph in graphs]


def test_every_value_of_every_row_is_equal(tables):
    ours, theirs = tables
    assert ours.schema == theirs.schema
    # As text, so that NaN equals NaN; every digit of a float is shown.
    differing = [
        name
        for name in ours.schema.names
        if repr(ours[name].to_pylist()) != repr(theirs[name].to_pylist())
    ]
    assert differing == []


def test_the_comparison_sees_all_rows_and_outputs(tables):
    assert tables[0].num_rows == sum(FILES)
    assert tables[0].num_columns >= 48


def content(graph):
    found = {}
    for path in graph.rglob("*"):
        if path.is_file():
            read = gzip.decompress if path.suffix == ".gz" else bytes
            found[str(path.relative_to(graph))] = read(path.read_bytes())
    return found


def test_vocabularies_metadata_and_names_of_assets_are_equal(graphs):
    ours, theirs = map(content, graphs)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == sorted(
        GRAPH, key=list(ours).index
    )
    assert any(name.startswith("transform_fn/assets/") for name in ours)
