"""What does not fit is told before any row is scored, all of it at once."""

import re

import pytest
import tensorflow as tf
from adbc_driver_postgresql import dbapi

from kanaria.components.shared.errors import ConflictError, DataError, ParameterError


def sql(database: str, *statements: str) -> None:
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def rows_of(world) -> None:
    world.parquet(amount=[1.0, 2.0], count=[1, 2], city=["x", "y"])


def test_inputs_columns_to_keep_and_the_target_are_told_together(world):
    world.model()
    world.parquet(amount=["much", "more"], city=["x", "y"])
    (world.home / "out").mkdir()
    (world.home / "out" / "somebody.txt").write_text("mine")
    with pytest.raises(ParameterError) as caught:
        world.predict(keep=["ride", "city"])
    text = str(caught.value)
    assert "input 'amount' takes float32, the column is string" in text
    assert "input 'count' (int64) is no column of the data, which has ['amount', 'city']" in text
    assert "keep='ride': no column of the data" in text
    assert "holds files that no run of this step wrote" in text
    assert [path.name for path in (world.home / "out").iterdir()] == ["somebody.txt"]


def test_an_input_that_the_model_lets_be_missing_may_be_no_column(world):
    specs = {name: tf.TensorSpec([None], tf.float32, name=name) for name in ("amount", "tip")}
    world.model(lambda amount, tip: {"sum": amount, "tip": tip}, specs, optional=["tip"])
    world.parquet(amount=[1.0])
    scored = world.predict()
    (note,) = scored.notes
    assert note.startswith("input 'tip' (float32) is no column of the data: every row lacks it")
    assert world.rows()[0]["sum"] == 1.0
    assert world.rows()[0]["tip"] != world.rows()[0]["tip"]  # NaN.


def test_a_row_without_a_value_that_the_model_needs_is_named(world):
    specs = {name: tf.TensorSpec([None], tf.float32, name=name) for name in ("amount", "tip")}
    world.model(lambda amount, tip: {"sum": amount + tip}, specs, optional=["tip"])
    world.parquet(amount=[1.0, 2.0, None], tip=[None, None, None])
    with pytest.raises(DataError, match=r"column 'amount': row 3 has no value"):
        world.predict(batch_rows=2)


def test_a_column_of_an_output_and_a_kept_one_may_not_share_a_name(world):
    world.model()
    world.parquet(amount=[1.0], count=[1], city=["x"], score=[0.5])
    with pytest.raises(ParameterError, match="keep='score': two columns of the output"):
        world.predict(keep=["score"])


def test_every_column_of_a_table_that_does_not_fit_is_told(world, database):
    world.model()
    rows_of(world)
    sql(
        database,
        "CREATE TABLE unfit (run_id varchar(9), chunk integer, row_id text, "
        'model_fingerprint varchar, scored_at timestamp, score double precision, "both" real[], '
        "label text, count_again bigint, large boolean GENERATED ALWAYS AS (true) STORED, "
        "who text NOT NULL, why text NOT NULL DEFAULT 'x')",
    )
    with pytest.raises(ParameterError) as caught:
        world.predict(f"{database}#unfit")
    faults = str(caught.value).partition("#unfit: ")[2].split("; ")
    # COPY would have stored an integer's four bytes, or a real's, where a column has eight.
    assert sorted(faults) == [
        "column 'chunk' is integer, the rows hold bigint",
        "column 'large' is generated, rows bring their own value",
        "column 'run_id' is character varying of a bounded length, the rows hold text",
        "column 'score' is double precision, the rows hold real",
        "column 'scored_at' is timestamp without time zone, the rows hold timestamp with time zone",
        "column 'who' must have a value, and rows have none",
    ]


def test_rights_that_are_lacking_are_told(world, database):
    world.model()
    rows_of(world)
    world.predict(f"{database}#granted")
    sql(
        database,
        "CREATE ROLE reader LOGIN",
        "GRANT USAGE ON SCHEMA public TO reader",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT SELECT ON granted TO reader",
    )
    reader = re.sub("//postgres:?@", "//reader@", database)
    with pytest.raises(ParameterError) as caught:
        world.predict(f"{reader}#granted", run_id="other")
    assert "you lack INSERT, DELETE on 'granted'" in str(caught.value)
    assert "you lack INSERT, SELECT on 'kanaria_scored'" in str(caught.value)
    with pytest.raises(ParameterError, match="no table 'absent', and you may not create it"):
        world.predict(f"{reader}#absent")


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ("postgresql://u:secret@host/db#t", "the postgresql URI holds a password"),
        ("postgresql://u:secret@host/db", "the postgresql URI holds a password"),
        ("postgresql://u@host/db", r"name the table: postgresql://user@host/name#table"),
        ("mysql://u@host/db#t", "give a folder, or postgresql://user@host/name#table"),
    ],
)
def test_a_reference_to_a_table_is_checked_and_no_secret_is_shown(world, output, fault):
    world.model()
    rows_of(world)
    with pytest.raises(ParameterError, match=fault) as caught:
        world.predict(output)
    assert "secret" not in str(caught.value)


def test_a_folder_of_another_release_of_other_data_or_settings_is_refused(world):
    world.model()
    rows_of(world)
    scored = world.predict()
    before = world.rows()
    with pytest.raises(ConflictError, match="chunk_rows 100000, now 1"):
        world.predict(chunk_rows=1)
    world.parquet("more.parquet", amount=[3.0], count=[3], city=["z"])
    with pytest.raises(ConflictError, match=f"data '{scored.data_fingerprint}', now '"):
        world.predict()
    (world.home / "data" / "more.parquet").unlink()
    world.model(lambda amount, count, city: {"score": amount, "n": count, "c": city})
    with pytest.raises(ConflictError, match=f"model '{scored.model_fingerprint}', now '"):
        world.predict()
    assert world.rows() == before


def test_a_table_holds_several_runs_and_refuses_another_under_a_name_that_is_taken(world, database):
    world.model()
    rows_of(world)
    first = world.predict(f"{database}#runs", run_id="nightly")
    world.parquet("more.parquet", amount=[3.0], count=[3], city=["z"])
    with pytest.raises(ConflictError, match="run_id 'nightly': holds another run, of data"):
        world.predict(f"{database}#runs", run_id="nightly")
    second = world.predict(f"{database}#runs")
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT run_id, count(*) FROM runs GROUP BY run_id")
        assert dict(cursor.fetchall()) == {first.run_id: 2, second.run_id: 3}


def test_a_model_that_is_not_the_one_its_release_names_is_refused(world):
    world.model()
    rows_of(world)
    (world.release / "model" / "1" / "assets").mkdir(exist_ok=True)
    (world.release / "model" / "1" / "assets" / "words.txt").write_text("new")
    with pytest.raises(DataError, match=r"its model has fingerprint [0-9a-f]{64}, release.json"):
        world.predict()


def test_text_that_is_no_utf8_and_numbers_without_a_form_are_refused(world):
    spec = {"amount": tf.TensorSpec([None], tf.float32, name="amount")}
    world.parquet(amount=[1.0])
    world.model(
        lambda amount: {
            "bytes": tf.io.encode_png(tf.zeros([1, 1, 1], tf.uint8))[tf.newaxis]
            + tf.strings.as_string(amount)
        },
        spec,
    )
    with pytest.raises(DataError, match="output 'bytes': a value is no UTF-8 text"):
        world.predict()
    world.model(lambda amount: {"z": tf.complex(amount, amount)}, spec)
    with pytest.raises(ParameterError, match="output 'z': complex64 has no form in Parquet"):
        world.predict()
    world.model(lambda amount: {"one": tf.reduce_sum(amount)[tf.newaxis]}, spec)
    world.parquet(amount=[1.0, 2.0])
    with pytest.raises(DataError, match=r"output 'one' has shape \(1,\) for 2 rows"):
        world.predict(f"{world.home}/other")
