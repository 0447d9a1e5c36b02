"""On Spark the analysis of every analyzer and the transformed files are those of one process."""

from pathlib import Path

import analyzer_rows
import pyarrow as pa
import pytest
from analyzer_rows import FILES, GRAPH, MODULE, content
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.spark import SparkEngine
from kanaria.components.transform import analysis, user_code
from kanaria.components.transform.materialize import Part, Transform, materialize


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    return analyzer_rows.schema()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, int]:
    return analyzer_rows.write(tmp_path_factory.mktemp("rows"), seed=3)


@pytest.fixture(scope="module")
def graphs(files, schema, engine: SparkEngine, tmp_path_factory: pytest.TempPathFactory):
    """The folders of the graphs of Spark and of one process."""
    folders = [tmp_path_factory.mktemp(name) for name in ("spark", "local")]
    function = user_code.load(str(MODULE), "preprocessing_fn", {}, schema)
    for folder, where in zip(folders, (engine, LocalEngine()), strict=True):
        analysis.analyze(files, schema, function, folder, where)
    return folders


def test_every_value_of_every_row_is_equal_to_the_last_bit(files, schema, graphs):
    spark, local = (
        pa.concat_tables(
            table for file in files for table in Transform(schema, graph).tables(file, "")
        )
        for graph in graphs
    )
    assert spark.num_rows == sum(FILES)
    assert spark.num_columns >= 48
    differing = [
        name
        for name in spark.schema.names
        # As text, so that NaN equals NaN; every digit of a float is shown.
        if repr(spark[name].to_pylist()) != repr(local[name].to_pylist())
    ]
    assert differing == []


def test_vocabularies_and_metadata_are_equal(graphs):
    spark, local = map(content, graphs)
    assert sorted(spark) == sorted(local)
    assert {name for name in spark if spark[name] != local[name]} <= GRAPH


def test_transformed_files_are_equal_to_the_byte(files, schema, graphs, engine, tmp_path: Path):
    for name, where in (("spark", engine), ("local", LocalEngine())):
        folder = tmp_path / name
        parts = [
            Part(
                file=file,
                graph=graphs[1],
                schema=schema.SerializeToString(),
                place="",
                target=folder / file.name,
            )
            for file in files
        ]
        materialize(parts, folder, where)
    written = [sorted((tmp_path / name).iterdir()) for name in ("spark", "local")]
    assert [path.name for path in written[0]] == [path.name for path in written[1]] != []
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]
