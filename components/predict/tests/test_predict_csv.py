"""CSV is read by the types that a model takes: exactly, and with the line of what does not fit."""

import re

import pytest
import tensorflow as tf

from kanaria.components.shared.errors import DataError, ParameterError

SPECS = {
    "amount": tf.TensorSpec([None], tf.float32, name="amount"),
    "count": tf.TensorSpec([None], tf.int64, name="count"),
    "city": tf.TensorSpec([None], tf.string, name="city"),
}
OPTIONAL = list(SPECS)


def echo(amount, count, city):
    """Answer with what came, in a batch's form, so that a value that changed is seen."""
    return {"amount_was": amount, "count_was": count, "city_was": city}


def scored(world, text: str, name: str = "data.csv", **changes):
    world.model(echo, SPECS, OPTIONAL)
    (world.home / "data").mkdir(exist_ok=True)
    (world.home / "data" / name).write_bytes(text.encode())
    world.predict(data=f"{world.home}/data/*.csv", **changes)
    return [(row["amount_was"], row["count_was"], row["city_was"]) for row in world.rows()]


LARGE = 2**60 + 7
MISSING = -(2**63)
"""What a model that lets an integer be missing gets for it."""
TEXTS = {
    "integers of 61 bits": (f"amount,count,city\n1.5,{LARGE},x\n2,{-LARGE},y\n", None),
    "text of digits": ("amount,count,city\n1,2,007\n3,4,5\n", [(1, 2, "007"), (3, 4, "5")]),
    "numbers as people write them": (
        "amount,count,city\n+1.5, 007,a\n2,+3,b\n1e3,4.0,c\n.5,-0,d\n",
        [(1.5, 7, "a"), (2, 3, "b"), (1000, 4, "c"), (0.5, 0, "d")],
    ),
    "quoted lines, quotes and commas": (
        'amount,count,city\n"1",2,"a\nb"\n3,"4","say ""hi"", twice"\n',
        [(1, 2, "a\nb"), (3, 4, 'say "hi", twice')],
    ),
    "a mark and lines of Windows": (
        "\ufeffamount,count,city\r\n1,2,x\r\n3,4,y\r\n",
        [(1, 2, "x"), (3, 4, "y")],
    ),
    "columns in another order": ("city,amount,count\nx,1,2\n", [(1, 2, "x")]),
    "columns that nobody needs": (
        'note,amount,count,more,city\n"a,b",1,2,0x1F,x\n,3,4,nan,y\n',
        [(1, 2, "x"), (3, 4, "y")],
    ),
    "no value and no text": ('amount,count,city\n1,,""\n2,4,\n', [(1, MISSING, ""), (2, 4, "")]),
    "letters of all kinds": ("amount,count,city\n1,2,Köln 東京 ☃\n", [(1, 2, "Köln 東京 ☃")]),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_values_come_to_the_model_as_they_are_written(world, kind: str):
    text, wanted = TEXTS[kind]
    wanted = wanted or [(1.5, LARGE, "x"), (2, -LARGE, "y")]
    assert scored(world, text) == wanted


FAULTS = {
    "a word for a number": ("amount,count,city\n1,2,x\nmuch,3,y\n", r":3: column 'amount' holds"),
    "a fraction for an integer": ("amount,count,city\n1,2.5,x\n", r":2: column 'count' holds"),
    "a hexadecimal integer": ("amount,count,city\n1,0x1F,x\n", r":2: column 'count' holds"),
    "beyond 64 bits": (f"amount,count,city\n1,{2**63},x\n", r":2: column 'count' holds"),
    "a word behind quoted lines": (
        'amount,count,city\n1,2,"a\nb\nc"\n1,two,x\n',
        r":5: column 'count' holds 'two'",
    ),
    "a row that is too short": ("amount,count,city\n1,2,x\n1,2\n", r":3: 2 columns, the header"),
    "a quote that is never closed": ('amount,count,city\n1,2,"x\n', r":2: a quote opens"),
    "a column twice": ("amount,count,city,city\n1,2,x,y\n", r":1: column 'city' stands twice"),
    "no rows": ("amount,count,city\n", r"no rows, only column names"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_does_not_fit_is_told_by_its_line(world, kind: str):
    text, said = FAULTS[kind]
    place = re.escape(f"{world.home}/data/data.csv") if said.startswith(":") else ""
    with pytest.raises(DataError, match=place + said) as refusal:
        scored(world, text)
    assert "\n" not in str(refusal.value)


def test_the_remedy_names_what_is_taken_and_column_types_goes_before(world):
    text = "amount,count,city\n1,2009-01-01,x\n"
    with pytest.raises(DataError, match="no integer; int64 is taken here: mend it, or say another"):
        scored(world, text)
    with pytest.raises(ParameterError, match="input 'count' takes int64, the column is string"):
        scored(world, text, column_types={"count": "string"})


def test_kept_columns_have_the_types_that_are_found_over_all_rows(world):
    rows = "".join(f"{n},{n},x,{n},{n}.5,0{n}\n" for n in range(50))
    text = f"amount,count,city,id,share,zip\n{rows}1,2,y,{LARGE},,\n"
    scored(world, text, keep=["id", "share", "zip"], chunk_rows=20)
    saved = [(row["id"], row["share"], row["zip"]) for row in world.rows()]
    assert saved == [*((n, n + 0.5, f"0{n}") for n in range(50)), (LARGE, None, None)]


def test_files_of_other_orders_are_one_table(world):
    (world.home / "data").mkdir()
    (world.home / "data/a.csv").write_text("city,count,amount\nx,1,2\n")
    assert scored(world, "amount,city,count\n4,007,3\n", "b.csv") == [(2, 1, "x"), (4, 3, "007")]
