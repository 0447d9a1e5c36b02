"""The steps' own Beam pipelines give through a job server what they give in this process."""

from pathlib import Path

import analyzer_rows
import numpy as np
import pyarrow as pa
import pytest
from analyzer_rows import MODULE, TYPES, content
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.engines.beam import Beam
from kanaria.components.transform import beam_engine as transform_on_beam
from kanaria.components.transform import user_code
from kanaria.components.transform.materialize import Transform
from kanaria.components.validate import beam_engine as validate_on_beam

# Of 17 numbers that occur equally often a sketch keeps four by the order in which it is merged.
TIED = {"about_numbers"}


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    return analyzer_rows.schema()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(analyzer_rows.write(tmp_path_factory.mktemp("rows"), seed=5, sizes=(1001, 300, 1)))


def test_statistics_of_a_split_are_equal(portable: Beam, files, schema, tmp_path: Path):
    by_name = [
        {
            feature.path.step[0]: feature
            for feature in validate_on_beam.statistics(files, schema, engine, tmp_path)
            .datasets[0]
            .features
        }
        for engine in (portable, Beam())
    ]
    assert set(by_name[0]) == set(TYPES.names)
    assert by_name[0] == by_name[1]
    assert list(tmp_path.iterdir()) == []


def test_every_analyzer_gives_the_same(portable: Beam, files, schema, tmp_path: Path):
    function = user_code.load(str(MODULE), "preprocessing_fn", {}, schema)
    graphs = [tmp_path / "portable", tmp_path / "here"]
    for graph, engine in zip(graphs, (portable, Beam()), strict=True):
        graph.mkdir()
        transform_on_beam.analyze(files, schema, function, graph, engine)
    theirs, ours = (
        pa.concat_tables(
            table for file in files for table in Transform(schema, graph).tables(file, "")
        )
        for graph in graphs
    )
    assert theirs.num_rows == 1302
    assert theirs.num_columns >= 48
    differing = {name for name in ours.schema.names if not equal(ours[name], theirs[name])}
    assert differing <= TIED
    of_prism, expected = map(content, graphs)
    assets = [name for name in expected if "/assets/" in name]
    assert assets
    others = [name for name in assets if of_prism[name] != expected[name]]
    assert len(others) == len(differing)
    for name in others:
        assert len(of_prism[name].splitlines()) == len(expected[name].splitlines())


def equal(ours: pa.ChunkedArray, theirs: pa.ChunkedArray) -> bool:
    """Tell whether all rows are equal; floats are of 32 bits, of which the last may differ."""
    ours, theirs = (one.combine_chunks() for one in (ours, theirs))
    if pa.types.is_list(ours.type) or pa.types.is_large_list(ours.type):
        if not ours.value_lengths().equals(theirs.value_lengths()):
            return False
        ours, theirs = ours.flatten(), theirs.flatten()
    if not pa.types.is_floating(ours.type):
        return ours.equals(theirs)
    return np.allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-6, atol=1e-6, equal_nan=True)
