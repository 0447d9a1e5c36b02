"""Labels, predictions and weights that a metric would count silently and wrongly are refused."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import text_format

from kanaria.components.evaluate import eval_config, evaluation_pass
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.shared.errors import DataError

NAN = float("nan")
BINARY = ([0, 1, 1, 0], [0.1, 0.8, 0.7, 0.4])
EYE = np.eye(3, dtype="float32")
IDS = ([0, 1, 2], EYE)
ONE_HOT = (EYE.tolist(), EYE)


def column(values: list) -> pa.Array:
    lists = pa.array([v if isinstance(v, list) or v is None else [v] for v in values])
    return lists.cast(pa.large_list(lists.type.value_type))


def run(metric: str, labels: list, predictions, model: str = "", weights=None) -> None:
    """Check rows as the step does, against one metric or a whole metrics_spec."""
    outputs = predictions if isinstance(predictions, dict) else {"p": np.array(predictions)}
    columns = {"y": column(labels)} | ({} if weights is None else {"w": column(weights)})
    rows = Rows(table=pa.table(columns), predictions={"": outputs}, derived={})
    spec = metric if "{" in metric else f'metrics {{ class_name: "{metric}" }}'
    text = f'model_specs {{ label_key: "y" {model} }} metrics_specs {{ {spec} }}'
    parsed = text_format.Parse(text, tfma.EvalConfig())
    config = eval_config.for_models(parsed, with_baseline=False)
    accumulator = evaluation_pass.accumulator_of(config, "eval", with_metrics=False)
    whole = accumulator.add(accumulator.create(), rows)
    rest = [accumulator.add(accumulator.create(), rows.part(i, i + 1)) for i in range(len(rows))]
    messages = [fault(accumulator, state) for state in (whole, accumulator.merge(rest))]
    assert messages[0] == messages[1]  # Row by row, in partitions, as all at once.
    if messages[0]:
        raise DataError(messages[0])


def fault(accumulator, state) -> str:
    try:
        accumulator.extract(state)
    except DataError as error:
        return str(error)
    return ""


def refusal(metric: str, labels: list, predictions, **more) -> str:
    with pytest.raises(DataError) as caught:
        run(metric, labels, predictions, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


LOGITS = [-2.0, 3.0, 1.5, -0.5]
PERCENT = [10.0, 80.0, 70.0, 40.0]
OPTION = "metrics {{ class_name: \"{}\" config: '{}' }}"


@pytest.mark.parametrize("scores", [LOGITS, PERCENT])
@pytest.mark.parametrize(
    "metric",
    [
        "AUC",
        "AUCPrecisionRecall",
        "BinaryCrossEntropy",
        "BinaryCrossentropy",
        "CoefficientOfDiscrimination",
        "ConfusionMatrixPlot",
        "Precision",
        "Recall",
        OPTION.format("SensitivityAtSpecificity", '"specificity": 0.5'),
    ],
)
def test_scores_that_are_no_probabilities(metric, scores):
    assert "is outside 0 to 1" in refusal(metric, BINARY[0], scores)


@pytest.mark.parametrize(
    "metric",
    [
        "MeanPrediction",
        "Calibration",
        "MeanSquaredError",
        "Hinge",
        "BinaryAccuracy",
        OPTION.format("BinaryCrossentropy", '"from_logits": true'),
        OPTION.format("Precision", '"thresholds": [0.0]'),
    ],
)
def test_scores_of_any_scale_where_the_metric_takes_them(metric):
    run(metric, BINARY[0], LOGITS)


def test_the_first_wrong_prediction_is_named_with_its_row_and_the_range():
    message = refusal("AUC", BINARY[0], [0.5, 0.25, 1.5, -2])
    assert "label 'y': prediction 1.5 in row 2 is outside 0 to 1" in message
    assert "from -2 to 1.5" in message


def test_scores_that_the_thresholds_of_a_curve_do_not_tell_apart():
    rare = [1e-6, 4e-6, 3e-6, 2e-6]
    for metric in ("AUC", "AUCPrecisionRecall"):
        message = refusal(metric, BINARY[0], rare)
        assert "would be 0.5 and is 1;" in message
    run(OPTION.format("AUC", '"thresholds": [0.0000025]'), BINARY[0], rare)
    run(OPTION.format("AUC", '"num_thresholds": 2000000'), BINARY[0], rare)
    run("Precision", BINARY[0], rare)
    run("AUC", BINARY[0], [0.5, 0.5, 0.5, 0.5])  # Equal scores are no crowd.


def test_rounding_beyond_one_is_no_fault():
    run("AUC", BINARY[0], np.array([0, 1, 1.0000002, 0.5], "float32"))


@pytest.mark.parametrize("labels", [[1, 2, 2, 1], [-1, 1, 1, -1], [0, 1, 2, 1], [0, 100, 100, 0]])
@pytest.mark.parametrize("metric", ["AUC", "BinaryCrossentropy", "CoefficientOfDiscrimination"])
def test_labels_other_than_zero_and_one(metric, labels):
    assert "is outside 0 to 1" in refusal(metric, labels, BINARY[1])


def test_labels_of_other_values_where_the_metric_takes_them():
    run("Hinge", [-1, 1, 1, -1], BINARY[1])
    run("MeanSquaredError", [1, 2, -3.5, 0], BINARY[1])


@pytest.mark.parametrize(("bad", "named"), [(3, "3"), (-1, "-1"), (0.5, "0.5"), (7, "7")])
@pytest.mark.parametrize(
    "metric",
    [
        "SparseCategoricalAccuracy",
        "SparseCategoricalCrossentropy",
        "AUC",
        'binarize { class_ids { values: [1] } } metrics { class_name: "Precision" }',
        OPTION.format("Recall", '"top_k": 1'),
        "MultiClassConfusionMatrixPlot",
    ],
)
def test_class_ids_outside_the_models_classes(metric, bad, named):
    message = refusal(metric, [0, bad, 2], EYE)
    assert f"{named} in row 1 is outside the model's 3 classes, 0 to 2" in message


@pytest.mark.parametrize(
    ("metric", "labels", "fault"),
    [
        ("CategoricalAccuracy", IDS[0], "takes 3 labels a row (one-hot)"),
        ("CategoricalCrossEntropy", IDS[0], "takes 3 labels a row (one-hot)"),
        ("BinaryCrossentropy", IDS[0], "takes 3 labels a row (one-hot)"),
        ("SparseCategoricalAccuracy", ONE_HOT[0], "takes one class id a row"),
        ("CategoricalAccuracy", [[0, 1], [1, 0], [0, 1]], "2 labels a row for 3 predictions"),
        ("CategoricalAccuracy", [[0, 0, 2], [1, 0, 0], [0, 1, 0]], "value 2 in row 0"),
        ("CategoricalAccuracy", [[0, 1], [1], [0, 1]], "different numbers of labels a row"),
        ("SparseCategoricalAccuracy", ["a", "b", "c"], "labels are text, such as 'a'"),
    ],
)
def test_labels_of_a_form_that_the_metric_reads_otherwise(metric, labels, fault):
    assert fault in refusal(metric, labels, EYE)


@pytest.mark.parametrize("metric", ["CategoricalAccuracy", "SparseCategoricalAccuracy"])
def test_metrics_of_many_classes_for_one_number_a_row(metric):
    assert "one prediction for each class" in refusal(metric, *BINARY)


@pytest.mark.parametrize(
    ("metric", "pair"),
    [
        ("SparseCategoricalAccuracy", IDS),
        ("SparseTopKCategoricalAccuracy", IDS),
        ("CategoricalAccuracy", ONE_HOT),
        ("AUC", IDS),
        ("AUC", ONE_HOT),
        ("MeanSquaredError", IDS),
        (OPTION.format("Precision", '"top_k": 1'), ([0, 1, 2], EYE * 5 - 2)),
        ("AUC", ([0.25, 0.5, 1, 0], BINARY[1])),
    ],
)
def test_right_forms_pass(metric, pair):
    run(metric, *pair)


def test_text_labels_are_looked_up_in_the_classes_that_a_model_names():
    outputs = {"scores": EYE, "classes": np.array([[b"a", b"b", b"c"]] * 3)}
    run("AUC", ["a", "c", "b"], outputs)
    message = refusal("AUC", ["a", "d", "b"], outputs)
    assert "'d' is outside the model's classes ['a', 'b', 'c']" in message


def test_the_output_that_the_config_names_is_checked():
    outputs = {"probability": np.array(BINARY[1]), "logit": np.array(LOGITS)}
    run("AUC", BINARY[0], outputs, model='prediction_key: "probability"')
    message = refusal("AUC", BINARY[0], outputs, model='prediction_key: "logit"')
    assert "prediction -2 in row 0" in message


@pytest.mark.parametrize("labels", [[0.5, NAN, 2, 1], [0.5, None, 2, 1]])
def test_a_regressions_label_that_is_missing(labels):
    message = refusal("MeanSquaredError", labels, BINARY[1])
    assert "1 of 4 rows have no label (missing or NaN), first row 1" in message


def test_nan_within_a_vector_of_labels():
    labels = [[1.0, 0, 0], [0, 1, NAN], [0, 0, 1]]
    assert "1 of 3 rows have no label" in refusal("CategoricalAccuracy", labels, EYE)


def test_rows_that_tfma_leaves_out_of_errors_of_logarithms_and_percentages():
    message = refusal("MeanAbsolutePercentageError", [2, 0, 4, 1], BINARY[1])
    assert "0 in row 1 has no percentage" in message
    for labels, scores in (([0, -3, 1, 1], BINARY[1]), (BINARY[0], LOGITS)):
        message = refusal("MeanSquaredLogarithmicError", labels, scores)
        assert "is not above -1" in message


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ([1, -0.5, 1, 1], "-0.5 in row 1 is negative"),
        ([1, NAN, 1, 1], "1 of 4 rows have no weight"),
        ([1, None, 1, 1], "1 of 4 rows have no weight"),
        ([1, float("inf"), 1, 1], "inf in row 1 is negative or infinite"),
        ([0, 0, 0, 0], "all 4 rows have weight 0"),
        (["a", "b", "a", "b"], "not one number a row"),
        ([[1, 2], [1, 2], [1, 2], [1, 2]], "not one number a row"),
    ],
)
def test_weights_that_give_no_metric(weights, fault):
    model = 'example_weight_key: "w"'
    message = refusal("AUC", *BINARY, model=model, weights=weights)
    assert message.startswith("split 'eval', weight 'w': ")
    assert fault in message


def test_a_label_column_of_one_class_is_an_error_for_two_class_metrics_only():
    assert "all 4 rows are of one class, 1" in refusal("AUC", [1, 1, 1, 1], BINARY[1])
    run("MeanSquaredError", [1, 1, 1, 1], BINARY[1])
