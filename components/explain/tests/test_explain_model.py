"""What explain_model writes, beside Shapley values by their definition."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from explain_world import World
from explained_flights import EVAL, NAMES, TRAIN, answer, table
from shapley_by_definition import shapley

from kanaria.components.shared.errors import DataError, ParameterError

import tensorflow as tf  # isort: skip

FLOAT32 = 1e-6


def test_every_row_is_shared_out_as_by_definition_over_text_and_missing_values(flights: World):
    document = flights.explain()
    assert document["explainer"] == "exact"
    assert document["base_value"] == pytest.approx(np.mean([answer(row) for row in table(TRAIN)]))
    rows = flights.rows()
    wanted = [shapley(table(TRAIN), row, answer)[1] for row in table(EVAL)]
    for row, values in zip(rows, wanted, strict=True):
        named = dict(zip(NAMES, values, strict=True))
        assert row["shap_values"] == pytest.approx(named, abs=FLOAT32)
    importance = flights.importance(document)
    mean = np.abs(wanted).mean(axis=0)
    assert importance == pytest.approx(dict(zip(NAMES, mean, strict=True)), abs=FLOAT32)


@pytest.mark.parametrize("explainer", ["exact", "permutation"])
@pytest.mark.parametrize("link", ["identity", "logit"])
def test_base_value_and_values_are_the_answer_on_every_row(
    flights: World, explainer: str, link: str
):
    document = flights.explain(explainer=explainer, link=link, max_evals=16)
    answers = np.array([answer(row) for row in table(EVAL)])
    wanted = answers if link == "identity" else np.log(answers / (1 - answers))
    for row, value in zip(flights.rows(), wanted, strict=True):
        total = row["base_value"] + sum(row["shap_values"].values())
        assert total == pytest.approx(row["prediction"], abs=1e-6)
        assert row["prediction"] == pytest.approx(value, rel=1e-4, abs=1e-6)
    assert document["largest_residual"] < 1e-6


def test_what_is_explained_is_said(flights: World):
    assert flights.explain()["quantity"] == "output probability, as the model answers it"
    document = flights.explain(link="logit")
    assert document["quantity"] == "log-odds of output probability"
    assert "log-odds of output probability" in flights.report()


def test_slices_are_the_means_over_their_rows(flights: World):
    document = flights.explain(slices=["late", "late,carrier"])
    names = [part["slice"] for part in document["slices"]]
    pairs = ["late:0, carrier:B6", "late:0, carrier:UA", "late:1, carrier:AA"]
    assert names == ["", "late:0", "late:1", *pairs]
    two = [row["shap_values"] for row in flights.rows()[:2]]
    mean = {name: np.mean([abs(row[name]) for row in two]) for name in NAMES}
    assert flights.importance(document, "late:0") == pytest.approx(mean)
    assert [part["rows"] for part in document["slices"]][:3] == [4, 2, 2]


def test_intervals_hold_the_mean_and_one_row_has_none(flights: World):
    document = flights.explain(slices=["carrier"])
    for item in document["slices"][0]["features"]:
        assert 0 <= item["low"] <= item["mean_abs"] <= item["high"]
        assert item["standard_error"] > 0
    single = next(part for part in document["slices"] if part["rows"] == 1)
    assert {item["low"] for item in single["features"]} == {None}


def test_the_same_seed_draws_the_same_rows(flights: World):
    first = flights.explain(rows=2, background_rows=3, seed=4)
    assert flights.explain(rows=2, background_rows=3, seed=4) == first
    assert flights.explain(rows=2, background_rows=3, seed=5) != first


def test_a_value_of_several_numbers_is_one_feature_and_a_class_is_chosen(
    linear: Callable[..., World],
):
    world = linear()
    document = world.explain(output="scores", column=1)
    assert set(world.importance(document)) == {"x", "z"}
    assert document["quantity"] == "output scores, column 1, as the model answers it"
    second = [row["prediction"] for row in world.rows()]
    world.explain(output="scores", column=0)
    first = [row["prediction"] for row in world.rows()]
    assert np.add(first, second) == pytest.approx(np.ones(4))


def test_expected_gradients_of_a_linear_answer_are_its_weights_times_the_distance(
    linear: Callable[..., World],
):
    world = linear()
    exact = world.importance(world.explain(output="raw", column=0))
    document = world.explain(output="raw", column=0, explainer="gradient", max_evals=3000)
    assert document["explainer"] == "gradient"
    assert world.importance(document) == pytest.approx(exact, rel=0.05)
    assert document["largest_residual"] < 0.05 * max(exact.values())


def test_gradients_of_log_odds_add_up_nearly(linear: Callable[..., World]):
    world = linear()
    document = world.explain(
        output="scores", column=0, link="logit", explainer="gradient", max_evals=3000
    )
    exact = world.importance(world.explain(output="scores", column=0, link="logit"))
    assert world.importance(document) == pytest.approx(exact, rel=0.05)


def test_the_report_draws_all_slices_and_shows_rows(flights: World):
    flights.explain(slices=["carrier"])
    page = flights.report()
    assert "delay" in page
    assert "carrier:B6" in page
    assert len(page) < 2_000_000


def test_a_text_of_the_data_is_escaped_in_the_report(flights: World):
    import pyarrow as pa
    import pyarrow.parquet as pq

    evil = {"carrier": ["<script>alert(1)</script>"], "hour": [1], "delay": [1.0]}
    (flights.home / "examples" / "split=evil").mkdir()
    pq.write_table(pa.table(evil), flights.home / "examples" / "split=evil" / "part-0.parquet")
    flights.explain(split="evil", slices=["carrier"])
    assert "<script>alert" not in flights.report()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"explainer": "tree"}, "explainer='tree': use auto, exact, permutation, gradient"),
        ({"rows": 0, "link": "log"}, "link='log': use identity or logit; rows=0: use 1 to 10000"),
        ({"slices": ["origin,"]}, "slices='origin,': write names of columns"),
        ({"signature": "other"}, "signature='other': the model has: serving_default"),
        ({"output": "label"}, "output='label': name one of: probability"),
        ({"column": 1}, "column=1: the output has 1 values a row"),
        ({"explainer": "exact", "max_evals": 7}, "max_evals=7: exact takes 8 for 3 features"),
        ({"explainer": "gradient"}, r"inputs \['carrier', 'hour'\] are no floats"),
    ],
)
def test_a_wrong_parameter_is_named(flights: World, changes: dict[str, Any], message: str):
    with pytest.raises(ParameterError, match=message):
        flights.explain(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "test"}, "no split 'test'"),
        ({"slices": ["origin"]}, "slices: 'origin' is no column of the examples"),
    ],
)
def test_wrong_data_is_named(flights: World, changes: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        flights.explain(**changes)


def test_several_columns_are_to_be_chosen_from(linear: Callable[..., World]):
    world = linear()
    with pytest.raises(ParameterError, match="output='': name one of: raw, scores"):
        world.explain()
    with pytest.raises(ParameterError, match="column=-1: the output has 2 values a row; use 0 to"):
        world.explain(output="scores")


def test_log_odds_of_one_are_refused_and_not_infinite(linear: Callable[..., World]):
    world = linear()
    with pytest.raises(DataError, match=r"link logit: the model answers .* whose log-odds are inf"):
        world.explain(output="raw", column=0, link="logit")


def test_rows_of_different_lengths_are_explained(world: World):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, "visits"),
            tf.TensorSpec([None], tf.float32, "age"),
        ]
    )
    def model(visits: Any, age: Any) -> dict[str, Any]:
        return {"score": tf.reduce_sum(visits, axis=1) * age}

    world.model(model)
    train = [[[1.0], 2.0], [[1.0, 2.0, 3.0], 0.5], [[4.0, 0.0], 1.0]]
    world.examples(
        train={"visits": [row[0] for row in train], "age": [row[1] for row in train]},
        eval={"visits": [[5.0, 5.0]], "age": [3.0]},
    )
    world.explain()
    _, wanted = shapley(train, [[5.0, 5.0], 3.0], lambda row: sum(row[0]) * row[1])
    (row,) = world.rows()
    named = dict(zip(("visits", "age"), wanted, strict=True))
    assert row["shap_values"] == pytest.approx(named, abs=1e-5)


def test_a_signature_of_serialized_examples_has_no_features(world: World):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def model(examples: Any) -> dict[str, Any]:
        parsed = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})
        return {"y": parsed["x"]}

    world.model(model)
    world.examples(train={"x": [1.0]}, eval={"x": [1.0]})
    with pytest.raises(DataError, match=r"takes serialized tf\.Examples, which are one input"):
        world.explain()
