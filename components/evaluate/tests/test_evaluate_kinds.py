"""Metrics of each kind of model: accumulators, in partitions too, give what TFMA gives on Beam."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from metric_configs import BINARY, OF_KERAS, SLICES, metrics, of_keras, with_options
from twins import LISTS, Twins, accumulated, column, different_plots, equal, parsed, twins

from kanaria.components.evaluate import tfma_results
from kanaria.components.evaluate.evaluated_rows import Rows

ROWS = 211
GENERATOR = np.random.default_rng(11)
LABEL = (GENERATOR.random(ROWS) < 0.4).astype("int64")
CLASS = GENERATOR.integers(0, 4, ROWS)
NUMBER = (GENERATOR.normal(size=ROWS) * 3).astype("float32")
SEVERAL = (GENERATOR.random((ROWS, 4)) < 0.3).astype("float32")
WEIGHT = GENERATOR.random(ROWS).astype("float32")


def scores() -> list[np.ndarray]:
    noise = GENERATOR.normal(size=(2, ROWS)) * [[1], [3]]
    return list((1 / (1 + np.exp(-(2 * LABEL - 1 + noise)))).astype("float32")[:, :, None])


def classes() -> np.ndarray:
    logits = GENERATOR.normal(size=(ROWS, 4))
    logits[np.arange(ROWS), CLASS] += 1.5
    return (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype("float32")


def table() -> pa.Table:
    # A row without a value, one of none, one of two, and a byte that numpy would drop.
    towns: list[Any] = [["Köln".encode()], [b"AA", b"UA"], [b"DL\0"], None, [], [b"AA"]]
    return pa.table(
        {
            "y": column("i", LABEL.tolist()),
            "w": column("f", WEIGHT.tolist()),
            "town": pa.array([towns[i % 6] for i in range(ROWS)], LISTS["t"]),
            "hour": column("i", [i % 3 for i in range(ROWS)]),
            "share": column("f", [i % 2 / 2 for i in range(ROWS)]),
            "class": column("i", CLASS.tolist()),
            "one_hot": column("f", np.eye(4)[CLASS].tolist()),
            "several": column("f", SEVERAL.tolist()),
            "number": column("f", NUMBER.tolist()),
            "query": column("t", [b"q%d" % (i % 17) for i in range(ROWS)]),
        }
    )


def of_model(*outputs: dict[str, np.ndarray]) -> Rows:
    names = ["candidate", "baseline"] if len(outputs) == 2 else [""]
    predictions = dict(zip(names, outputs, strict=True))
    return Rows(table=table(), predictions=predictions, derived={})


WEIGHTED = 'label_key: "y" example_weight_key: "w"'
EVERY_CLASS = "class_ids { values: [0, 1, 2, 3] }"
CLASS_WEIGHTS = " ".join(
    f"class_weights {{ key: {number} value: {weight} }}"
    for number, weight in enumerate((1, 0.5, 2, 0))
)
CONFIGS = {
    "binary": f"""model_specs {{ {WEIGHTED} }} {SLICES}
        metrics_specs {{ {BINARY} }}
        metrics_specs {{ example_weights {{ unweighted: true }} {metrics("AUC", "MeanLabel")} }}""",
    "classes": f"""model_specs {{ label_key: "class" example_weight_key: "w" }} {SLICES}
        metrics_specs {{ {
        metrics(
            "AUC",
            "ExampleCount",
            "MultiClassConfusionMatrixPlot",
            with_options("MultiClassConfusionMatrixAtThresholds", '"thresholds": [0.4, 0.7]'),
            with_options("Precision", '"top_k": 2'),
            with_options("Recall", '"top_k": 1'),
        )
    } }}
        metrics_specs {{ binarize {{ class_ids {{ values: [0, 2] }} }}
          {metrics("AUC", "Precision", "MeanLabel", "BinaryAccuracy", "CalibrationPlot")} }}
        metrics_specs {{ aggregate {{ micro_average: true {CLASS_WEIGHTS} }}
          {metrics("AUC", "Precision", "Calibration", "BinaryAccuracy")} }}
        metrics_specs {{ binarize {{ {EVERY_CLASS} }}
          aggregate {{ macro_average: true {CLASS_WEIGHTS} }} {metrics("AUC", "Recall")} }}
        metrics_specs {{ binarize {{ {EVERY_CLASS} }}
          aggregate {{ weighted_macro_average: true {CLASS_WEIGHTS} }} {metrics("AUC", "Recall")} }}
        metrics_specs {{ binarize {{ k_list {{ values: [1, 2] }} top_k_list {{ values: [2] }} }}
          {metrics("Precision", "Recall")} }}""",
    "several": f"""model_specs {{ label_key: "several" example_weight_key: "w" }} {SLICES}
        metrics_specs {{ {metrics("BinaryCrossEntropy", "MultiLabelConfusionMatrixPlot", "AUC")}
          {metrics("MeanSquaredError")} }}
        metrics_specs {{ aggregate {{ micro_average: true }}
          {metrics("Precision", "AUC", "MeanLabel")} }}""",
    "outputs": f"""model_specs {{
          label_keys {{ key: "a" value: "y" }} label_keys {{ key: "b" value: "class" }}
          example_weight_keys {{ key: "a" value: "w" }}
          example_weight_keys {{ key: "b" value: "w" }} }} {SLICES}
        metrics_specs {{ output_names: ["a"] {metrics("AUC", "Calibration", "ExampleCount")}
          {metrics("WeightedExampleCount")} }}
        metrics_specs {{ output_names: ["b"] binarize {{ class_ids {{ values: [1] }} }}
          {metrics("AUC")} }}""",
    "regression": f"""model_specs {{ label_key: "number" example_weight_key: "w" }} {SLICES}
        metrics_specs {{ {
        metrics(
            "MeanSquaredError",
            "MeanAbsoluteError",
            "MeanAbsolutePercentageError",
            "SquaredPearsonCorrelation",
            "Calibration",
            "MeanPrediction",
            "MeanLabel",
            with_options("CalibrationPlot", '"left": -5, "right": 5'),
        )
    } }}""",
    "SQL": f"""model_specs {{ label_key: "y" }} slicing_specs {{ feature_keys: "hour" }}
        slicing_specs {{ slice_keys_sql:
          "SELECT STRUCT(hour) FROM UNNEST(example.hour) AS hour WHERE hour > 0" }}
        metrics_specs {{ {metrics("AUC", "Precision", "ExampleCount")} }}""",
    "queries": f"""model_specs {{ label_key: "y" }} slicing_specs {{ feature_keys: "hour" }}
        metrics_specs {{ query_key: "query" {
        metrics(
            "QueryStatistics",
            "MinLabelPosition",
            with_options("NDCG", '"gain_key": "y", "top_k_list": [1, 2, 5]'),
        )
    } }}
        metrics_specs {{ {metrics("AUC")} }}""",
    "small slices": f"""model_specs {{ label_key: "y" }} {SLICES}
        options {{ min_slice_size {{ value: 21 }} }}
        metrics_specs {{ {metrics("AUC", "ExampleCount", "CalibrationPlot")} }}""",
}


def rows_of(kind: str) -> Rows:
    if kind == "classes":
        probabilities = classes()
        return of_model({"probabilities": probabilities, "logits": probabilities * 2})
    if kind in {"several", "ranked"}:
        noise = GENERATOR.random((ROWS, 4)) * 0.6
        return of_model({"p": (SEVERAL * 0.4 + noise).astype("float32")})
    if kind == "outputs":
        return of_model({"a": scores()[0], "b": classes()})
    if kind == "regression":
        return of_model({"p": (NUMBER + GENERATOR.normal(size=ROWS)).astype("float32")[:, None]})
    return of_model({"p": scores()[0]})


@pytest.mark.parametrize("kind", CONFIGS)
def test_numbers_and_plots_are_those_of_the_pipeline(tmp_path: Path, kind: str):
    made = twins(tmp_path, rows_of(kind), parsed(CONFIGS[kind]))
    once, parts, beam = (made.numbers(folder) for folder in (made.once, made.parts, made.beam))
    assert len(once) > 3
    assert equal(once, beam, 1e-12) == []
    assert equal(once, parts, 1e-12) == []
    assert different_plots(made.once, made.beam, 1e-12) == []
    assert different_plots(made.once, made.parts, 1e-12) == []


@pytest.mark.parametrize(
    ("kind", "dtype", "tolerance"),
    [
        *((kind, "float32", 2e-6) for kind in OF_KERAS),
        *((kind, "float64", 1e-12) for kind in OF_KERAS if kind != "ranked"),
    ],
)
def test_keras_metrics_are_equal_to_the_digits_that_keras_keeps(
    tmp_path: Path, kind: str, dtype: str, tolerance: float
):
    """Keras adds up in float32 unless told otherwise, here and there in different batches."""
    label = {"binary": "y", "classes": "class"}.get(kind, "several")
    text = f'model_specs {{ label_key: "{label}" example_weight_key: "w" }} {SLICES}'
    config = parsed(f"{text} metrics_specs {{ {of_keras(kind, dtype)} }}")
    made = twins(tmp_path, rows_of(kind), config)
    once = made.numbers(made.once)
    assert equal(once, made.numbers(made.beam), tolerance) == []
    assert equal(once, made.numbers(made.parts), tolerance) == []


def test_two_models_crossed_slices_and_changes_are_those_of_the_pipeline(tmp_path: Path):
    limits = """threshold { value_threshold { upper_bound { value: 0.01 } }
      change_threshold { direction: LOWER_IS_BETTER absolute { value: -0.01 } } }"""
    judged = f'class_name: "MeanSquaredError" config: \'"name": "mse"\' {limits}'
    text = f"""model_specs {{ {WEIGHTED} }} {SLICES}
      cross_slicing_specs {{ baseline_spec {{}} slicing_specs {{ feature_keys: "town" }} }}
      cross_slicing_specs {{ baseline_spec {{ feature_values {{ key: "town" value: "AA" }} }} }}
      metrics_specs {{ {BINARY} {metrics("BooleanFlipRates", "SymmetricPredictionDifference")}
        {metrics(judged)} }}"""
    first, second = scores()
    config = parsed(text, with_baseline=True)
    made = twins(tmp_path, of_model({"p": first}, {"p": second}), config)
    once, beam = (made.numbers(folder) for folder in (made.once, made.beam))
    assert sum(" against " in tfma_results.slice_name(key) for key in once) > 8
    assert equal(once, beam, 1e-12) == []
    assert equal(once, made.numbers(made.parts), 1e-12) == []
    local, pipeline = (tfma_results.load(each, "candidate") for each in (made.once, made.beam))
    assert local.failures == pipeline.failures != set()
    assert local.validation_ok == pipeline.validation_ok


@pytest.mark.parametrize("count", [1, 2])
def test_few_rows_and_slices_without_rows(tmp_path: Path, count: int):
    text = f"""model_specs {{ {WEIGHTED} }} {SLICES}
      slicing_specs {{ feature_values {{ key: "town" value: "nowhere" }} }}
      metrics_specs {{ {metrics("ExampleCount", "MeanLabel", "MeanSquaredError")} }}"""
    rows = rows_of("binary").part(0, count)
    made: Twins = twins(tmp_path, rows, parsed(text), parts=count)
    once, beam = (made.numbers(folder) for folder in (made.once, made.beam))
    assert len(once) > 2
    assert equal(once, beam, 1e-12) == []
    assert equal(once, made.numbers(made.parts), 1e-12) == []


def test_a_metric_that_divides_predictions_leaves_them_to_the_others(tmp_path: Path):
    """TFMA's CategoricalCrossEntropy divides them in place."""
    text = f"""model_specs {{ label_key: "several" }}
      metrics_specs {{ {metrics("CategoricalCrossEntropy", "MeanSquaredError")} }}"""
    rows = rows_of("several")
    before = rows.predictions[""]["p"].astype(float)
    accumulated(rows, parsed(text), tmp_path, parts=2)
    values = {key.name: value for key, value in tfma_results.load(tmp_path, "").numbers[()].items()}
    shares = before / before.sum(axis=1, keepdims=True)
    expected = -np.mean((SEVERAL * np.log(shares)).sum(axis=1))
    assert values["categorical_crossentropy"] == pytest.approx(expected, rel=1e-5)
    assert values["mean_squared_error"] == pytest.approx(np.mean((SEVERAL - before) ** 2), rel=1e-6)
    assert np.array_equal(rows.predictions[""]["p"].astype(float), before)


def test_a_metric_of_the_users_own_is_fed_row_by_row(tmp_path: Path):
    own = metrics('class_name: "LargestError" module: "own_metric"')
    text = f'model_specs {{ label_key: "y" }} {SLICES} metrics_specs {{ {own} }}'
    rows = rows_of("binary")
    sums = twins(tmp_path, rows, parsed(text))
    once = sums.numbers(sums.once)
    assert equal(once, sums.numbers(sums.beam), 0.0) == []
    assert equal(once, sums.numbers(sums.parts), 0.0) == []
    expected = np.abs(LABEL - rows.predictions[""]["p"][:, 0].astype(float)).max()
    assert next(iter(once[()].values())) == expected
