"""Every analyzer gives, bit by bit, what TFT's Beam engine gives for the same rows."""

import analyzer_rows
import pyarrow as pa
import pytest
from analyzer_rows import GRAPH, MODULE, content

from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.transform import analysis, beam_engine, user_code
from kanaria.components.transform.materialize import Transform

# Two batches of one file, since our files are apart; Beam reads the other one, too.
SIZES = (1702, 0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return analyzer_rows.write(tmp_path_factory.mktemp("rows"), 1, SIZES)


@pytest.fixture(scope="module")
def schema():
    return analyzer_rows.schema()


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
    assert tables[0].num_rows == sum(SIZES)
    assert tables[0].num_columns >= 48


def test_vocabularies_metadata_and_names_of_assets_are_equal(graphs):
    ours, theirs = map(content, graphs)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == sorted(
        GRAPH, key=list(ours).index
    )
    assert any(name.startswith("transform_fn/assets/") for name in ours)
