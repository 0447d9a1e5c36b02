"""Statistics of partitions, merged, are those of TFDV's own Beam pipeline over all rows."""

import math
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import json_format, text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.validate import beam_engine, statistics
from kanaria.components.validate.comparators import by_name

ROWS = 900
SIZES = (1, 400, 499)
"""Rows of each file: one row, and two that are no multiples of each other."""
COLUMNS = {
    "real": [math.sin(i) * 100 for i in range(ROWS)],
    "missing": [None if i % 3 else i / 7 for i in range(ROWS)],
    "not_a_number": [math.nan if i % 10 == 0 else float(i) for i in range(ROWS)],
    "never_a_number": [math.nan] * ROWS,
    "infinite": [math.inf if i % 11 == 0 else -math.inf if i % 7 == 0 else i for i in range(ROWS)],
    "whole": [(i * 7919) % 104_729 for i in range(ROWS)],
    "code": [i * i % 97 for i in range(ROWS)],
    "word": [None if i % 4 == 0 else f"쎄é{i % 50}" for i in range(ROWS)],
    "bytes": pa.array([bytes([255, i % 200]) for i in range(ROWS)], pa.binary()),
    "numbers": pa.array(
        [None if i % 9 == 0 else [0.5] * (i % 4) for i in range(ROWS)], pa.list_(pa.float32())
    ),
    "words": pa.array([["a", "b", "쎄"][: i % 4] for i in range(ROWS)], pa.list_(pa.string())),
    "late": [None] * (ROWS - 450) + [1.5] * 450,
    "nothing": pa.nulls(ROWS, pa.float32()),
    "weight": [float(i % 5) for i in range(ROWS)],
}
SCHEMA = """
feature { name: "code" type: INT int_domain { is_categorical: true } }
weighted_feature {
  name: "real_by_weight" feature { step: "real" } weight_feature { step: "weight" }
}
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    """Name -> statistics of a feature, by partitions and by Beam."""
    folder, schema = tmp_path_factory.mktemp("rows"), text_format.Parse(SCHEMA, schema_pb2.Schema())
    table, files, start = pa.table(COLUMNS), [], 0
    for number, size in enumerate(SIZES):
        files.append(folder / f"part-{number:05d}.parquet")
        pq.write_table(table.slice(start, size), files[-1])
        start += size
    ours = statistics.of_files(files, schema, LocalEngine())
    beams = beam_engine.statistics(files, schema, Beam(), folder)
    return _plain(ours), _plain(beams)


def _plain(result) -> dict:
    features = {name: json_format.MessageToDict(each) for name, each in by_name(result).items()}
    return {name: _without_order(each) for name, each in features.items()} | {
        "rows": result.datasets[0].num_examples
    }


def _without_order(feature: dict) -> dict:
    """Take the order of equally frequent values out: Beam sorts numbers as numbers."""
    text = feature.get("stringStats", {})
    buckets = text.get("rankHistogram", {}).get("buckets", [])
    text["rankHistogram"] = {bucket["label"]: bucket["sampleCount"] for bucket in buckets}
    text["topValues"] = [value["frequency"] for value in text.get("topValues", [])]
    return feature


def _close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        is_nan = math.isnan(one) and math.isnan(other)
        return is_nan or math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return one == other


def test_both_ways_see_every_row_and_feature(both: tuple[dict, dict]):
    ours, beams = both
    assert ours["rows"] == beams["rows"] == ROWS
    assert set(ours) == set(beams) == {*COLUMNS, "real_by_weight", "rows"}


@pytest.mark.parametrize("name", [*COLUMNS, "real_by_weight"])
def test_every_number_of_merged_partitions_equals_beams(both: tuple[dict, dict], name: str):
    ours, beams = both[0][name], both[1][name]
    if name == "bytes":  # Values that are no text are one value; Beam lists its name 200 times.
        counted = ours["stringStats"].pop("rankHistogram"), ours["stringStats"].pop("topValues")
        assert counted == ({"__BYTES_VALUE__": ROWS}, [ROWS])
        for key in ("rankHistogram", "topValues"):
            del beams["stringStats"][key]
    assert _close(ours, beams), f"{ours}\n{beams}"


def test_a_state_that_travelled_gives_the_same_bits():
    accumulator = statistics.Statistics(schema=None)
    table = pa.table(
        {"n": [math.sin(i) for i in range(6_000)], "s": [str(i) for i in range(6_000)]}
    )
    states = []
    for part in table.to_batches(max_chunksize=1_500):
        states.append(accumulator.add(accumulator.create(), to_lists(part)))
    travelled = [pickle.loads(pickle.dumps(state)) for state in states]
    ours, others = (accumulator.extract(accumulator.merge(group)) for group in (states, travelled))
    assert ours.SerializeToString(deterministic=True) == others.SerializeToString(
        deterministic=True
    )


def test_quantiles_of_many_partitions_stay_within_their_bound():
    accumulator = statistics.Statistics(schema=None)
    rows, size = 200_000, 5_000
    states = []
    for start in range(0, rows, size):  # Sorted rows: partitions that overlap nowhere.
        numbers = pa.array(range(start, start + size), pa.float32())
        batch = to_lists(pa.RecordBatch.from_arrays([numbers], names=["n"]))
        states.append(accumulator.add(accumulator.create(), batch))
    numeric = by_name(accumulator.extract(accumulator.merge(states)))["n"].num_stats
    (quantiles,) = [each for each in numeric.histograms if each.type == each.QUANTILES]
    highs = [bucket.high_value / rows for bucket in quantiles.buckets]
    assert highs == pytest.approx([(n + 1) / 10 for n in range(10)], abs=0.01)


def test_a_split_without_rows_has_no_statistics(tmp_path: Path):
    file = tmp_path / "part-00000.parquet"
    pq.write_table(pa.table({"x": pa.array([], pa.int64())}), file)
    assert statistics.of_files([file], None, LocalEngine()) is None
