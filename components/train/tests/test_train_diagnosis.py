import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.train import diagnosis

FLOATS = st.floats(width=32)
LISTS = st.lists(st.none() | st.lists(st.none() | FLOATS, max_size=3), max_size=20)


@given(LISTS)
def test_missing_and_non_finite_agree_with_plain_python(rows: list[list[float] | None]):
    rows = [None if row is None else [v for v in row if v is not None] for row in rows]
    column = pa.array(rows, pa.large_list(pa.float32()))
    assert diagnosis.missing(column).tolist() == [not row for row in rows]
    expected = [any(not math.isfinite(value) for value in row or []) for row in rows]
    assert diagnosis.non_finite(column).tolist() == expected


def test_text_and_empty_columns_are_never_non_finite():
    batch = to_lists(pa.RecordBatch.from_pydict({"text": ["nan", None], "none": [None, None]}))
    assert not any(diagnosis.non_finite(column).any() for column in batch.columns)
    assert diagnosis.missing(batch.column("none")).all()


def suspects(bad: list[bool], **columns: list[object]) -> list[str]:
    """Ask with rows that are read in batches of two."""
    rows = to_lists(pa.RecordBatch.from_pydict(columns))
    batches = [rows.slice(start, 2) for start in range(0, rows.num_rows, 2)]
    return diagnosis.suspects(lambda: iter(batches), np.array(bad))


def test_a_column_that_is_odd_where_the_answers_are_bad_is_suspect():
    suspected = suspects([False, True, True], distance=[1.0, math.nan, math.inf], fine=[1, 2, 3])
    assert suspected == ["distance"]


def test_a_column_that_is_odd_as_often_where_the_answers_are_good_is_not():
    assert suspects([False, True], rare=[None, None], carrier=["AA", None]) == ["carrier"]


def test_missing_columns_are_suspect_only_in_rows_that_nan_does_not_explain():
    distance = [1.0, math.nan, 2.0]
    hour = [1, None, 2]
    assert suspects([False, True, False], distance=distance, hour=hour) == ["distance"]
    hour = [1, 2, None]
    assert suspects([False, True, True], distance=distance, hour=hour) == ["distance", "hour"]


def test_columns_with_nan_or_infinity_are_found_in_files(tmp_path: Path):
    table = pa.table({"a": [1.0, math.nan], "b": [1.0, None], "c": [1, 2]})
    pq.write_table(table, tmp_path / "part-0.parquet")
    assert diagnosis.non_finite_columns([tmp_path / "part-0.parquet"]) == ["a"]
