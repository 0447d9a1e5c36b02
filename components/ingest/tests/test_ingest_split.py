import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.ingest import hash_split
from kanaria.components.ingest.hash_split import Split
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError

TWO_TO_ONE = (Split(name="train", weight=2), Split(name="eval", weight=1))

rows = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.none() | st.integers(-(2**40), 2**40),
            "share": st.none() | st.floats(allow_nan=False),
            "text": st.none() | st.text(max_size=3),
        }
    ),
    min_size=1,
    max_size=30,
)
SCHEMA = pa.schema({"number": pa.int64(), "share": pa.float64(), "text": pa.string()})


def parse(text: str) -> tuple[Split, ...]:
    faults = Faults("ingest_data")
    splits = hash_split.parse(text, faults)
    faults.raise_if_any()
    return splits


def hashed(table: pa.Table, columns: list[str] | None = None) -> list[int]:
    return hash_split.by_hash(table, columns or table.column_names, TWO_TO_ONE).tolist()


def test_names_and_weights_are_read_in_order():
    assert parse("train=2, eval=1") == TWO_TO_ONE


@pytest.mark.parametrize(
    "text", ["", "train", "train=0", "train=-1", "train=0.5", "a/b=1", "=1", "train=2,", "../x=1"]
)
def test_malformed_splits_are_refused(text: str):
    with pytest.raises(ParameterError, match=r"splits='.*': write name=weight, weight 1 to 999999"):
        parse(text)


def test_a_split_named_twice_is_refused():
    with pytest.raises(ParameterError, match="name each split once"):
        parse("train=2,train=1")


@given(rows, st.randoms(use_true_random=False))
def test_a_row_keeps_its_split_in_any_order_of_rows_and_columns(values, random):
    places = hashed(pa.Table.from_pylist(values, SCHEMA))
    shuffled = list(range(len(values)))
    random.shuffle(shuffled)
    moved = pa.Table.from_pylist([values[i] for i in shuffled], SCHEMA)
    moved = moved.select(["text", "number", "share"])
    assert hashed(moved) == [places[i] for i in shuffled]


@given(rows)
def test_a_row_keeps_its_split_when_others_are_gone(values):
    table = pa.Table.from_pylist(values, SCHEMA)
    assert [hashed(table.slice(i, 1))[0] for i in range(len(values))] == hashed(table)


@given(st.lists(st.none() | st.integers(-(2**53) + 1, 2**53 - 1), min_size=1))
def test_a_row_keeps_its_split_when_another_file_widens_integers_to_floats(values):
    integers = pa.table({"a": pa.array(values, pa.int64())})
    floats = pa.table({"a": pa.array(values, pa.float64())})
    assert hashed(integers) == hashed(floats)


def test_chunks_do_not_matter():
    values = list(range(1000))
    whole = pa.table({"a": values})
    chunked = pa.table({"a": pa.chunked_array([values[:1], values[1:400], values[400:]])})
    assert hashed(whole) == hashed(chunked)


def test_the_hash_is_the_same_in_every_version():
    # These places are a promise: a change would move rows between train and eval. Computed by
    # hand as SHA-256 of, for the first row, "=1\x1f=0.5\x1f=", its first 8 bytes modulo 10.
    table = pa.table(
        {
            "number": [1, 2, 3, None, 5, 6, 7, 8, 9, 10],
            "share": [0.5, 1.0, None, 1e300, -0.0, float("nan"), 0.1, 2.5, 1e-9, 3.0],
            "text": ["", "a", "é", None, "-", "a,b", "x", "y", "z", "="],
        }
    )
    ten = [Split(name=str(bucket), weight=1) for bucket in range(10)]
    places = hash_split.by_hash(table, table.column_names, ten)
    assert places.tolist() == [0, 4, 7, 5, 4, 1, 7, 5, 6, 1]


@pytest.mark.parametrize("weights", [(2, 1), (1, 1), (8, 1)])
def test_shares_are_close_to_the_weights(weights: tuple[int, int]):
    splits = [Split(name=str(i), weight=weight) for i, weight in enumerate(weights)]
    places = hash_split.by_hash(pa.table({"a": range(20_000)}), ["a"], splits)
    # Four standard deviations of a binomial share are at most 0.0142.
    assert (places == 0).mean() == pytest.approx(weights[0] / sum(weights), abs=0.0142)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers()), min_size=1))
def test_a_key_keeps_all_its_rows_in_one_split(pairs):
    keys, values = zip(*pairs, strict=True)
    table = pa.table({"key": keys, "value": [str(value) for value in values]})
    places = dict(zip(keys, hashed(table, ["key"]), strict=True))
    assert hashed(table, ["key"]) == [places[key] for key in keys]


def test_a_missing_value_differs_from_every_text():
    table = pa.table({"a": [None, "", "-", "None"]})
    many = tuple(Split(name=str(i), weight=1) for i in range(100_000))
    assert len(set(hash_split.by_hash(table, ["a"], many).tolist())) == 4
