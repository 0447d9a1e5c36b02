"""Faults of an EvalConfig, told before any work is done."""

import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import text_format

from kanaria.components.evaluate import config_check
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError

LABEL = 'label_key: "y"'


def check(metric: str, model: str = LABEL, outputs: tuple[str, ...] = ("p",)) -> None:
    text = f"model_specs {{ {model} }} metrics_specs {{ {metric} }}"
    config, faults = text_format.Parse(text, tfma.EvalConfig()), Faults("evaluate_model")
    config_check.check(config, ["x", "y"], faults)
    faults.raise_if_any()
    config_check.check_outputs(config, config.model_specs[0], outputs, "model m", faults)
    faults.raise_if_any()


def fault(metric: str, **more) -> str:
    with pytest.raises(ParameterError) as caught:
        check(metric, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def auc(threshold: str) -> str:
    return f'metrics {{ class_name: "AUC" {threshold} }}'


def test_a_metric_that_has_no_name_of_its_own_is_taken():
    check('metrics { class_name: "BooleanFlipRates" }')


VALUE = "threshold {{ value_threshold {{ {} }} }}"
CHANGE = "threshold {{ change_threshold {{ direction: {} {} }} }}"


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ("threshold {}", "AUC: empty threshold"),
        (VALUE.format(""), "AUC: value_threshold has no bound"),
        (VALUE.format("lower_bound { value: nan }"), "lower_bound is nan"),
        (VALUE.format("upper_bound { value: inf }"), "upper_bound is inf"),
        (VALUE.format("lower_bound { value: -inf }"), "lower_bound is -inf"),
        (
            VALUE.format("lower_bound { value: 0.9 } upper_bound { value: 0.1 }"),
            "lower_bound 0.9 is above upper_bound 0.1",
        ),
        (CHANGE.format("HIGHER_IS_BETTER", ""), "AUC: change_threshold has no amount"),
        ("threshold { change_threshold { absolute { value: 0 } } }", "has no direction"),
        (CHANGE.format("LOWER_IS_BETTER", "absolute { value: nan }"), "absolute is nan"),
        (CHANGE.format("HIGHER_IS_BETTER", "relative { value: -inf }"), "relative is -inf"),
        (CHANGE.format("HIGHER_IS_BETTER", "relative { value: -5 }"), "worse by 500%"),
        (CHANGE.format("LOWER_IS_BETTER", "relative { value: 5 }"), "write 0.05 for 5 percent"),
        (
            f"per_slice_thresholds {{ {VALUE.format('lower_bound { value: 0.5 }')} }}",
            "AUC: a threshold per slice names no slice",
        ),
        ("per_slice_thresholds { slicing_specs {} }", "AUC: empty threshold"),
    ],
)
def test_thresholds_that_bind_nothing_or_hold_for_nothing(threshold, message):
    assert message in fault(auc(threshold))


@pytest.mark.parametrize(
    "entries",
    [
        'thresholds { key: "auc" value { value_threshold {} } }',
        'per_slice_thresholds { key: "auc" value { thresholds { slicing_specs {}'
        " threshold { value_threshold {} } } } }",
        'cross_slice_thresholds { key: "auc" value { thresholds { cross_slicing_specs {}'
        " threshold { value_threshold {} } } } }",
    ],
)
def test_thresholds_by_key_are_looked_at_too(entries):
    assert "auc: value_threshold has no bound" in fault(auc("") + entries)


def test_a_threshold_by_key_that_no_metric_bears():
    entry = 'thresholds { key: "AUC" value { value_threshold { lower_bound { value: 0.5 } } } }'
    assert "thresholds: no metric is named 'AUC'; nearest: auc" in fault(auc("") + entry)
    check(auc("") + entry.replace("AUC", "auc"))


def test_a_threshold_by_key_beside_one_in_the_metric():
    entry = 'thresholds { key: "auc" value { value_threshold { lower_bound { value: 0.5 } } } }'
    twice = auc("threshold { value_threshold { lower_bound { value: 0.6 } } }") + entry
    assert "auc: a threshold by key and one in the metric; give one" in fault(twice)


@pytest.mark.parametrize(
    "threshold",
    [
        VALUE.format("lower_bound { value: 0 }"),
        VALUE.format("lower_bound {}"),  # 0, the default of a number in a text proto.
        CHANGE.format("HIGHER_IS_BETTER", "absolute { value: -0.01 } relative { value: -0.05 }"),
        CHANGE.format("LOWER_IS_BETTER", "relative { value: -0.5 }"),
    ],
)
def test_thresholds_that_bind_are_taken(threshold):
    check(auc(threshold))


def test_all_thresholds_are_told_at_once():
    message = fault(auc(VALUE.format("")) + 'metrics { class_name: "Recall" threshold {} }')
    assert "AUC: value_threshold has no bound" in message
    assert "Recall: empty threshold" in message


def test_no_label_key():
    assert "model_specs: no label_key for AUC; name the column" in fault(auc(""), model="")


def test_metrics_that_read_no_label_need_no_label_key():
    check(
        'metrics { class_name: "ExampleCount" } metrics { class_name: "MeanPrediction" }', model=""
    )


def test_several_outputs_and_none_chosen():
    message = fault(auc(""), outputs=("mu", "sigma"))
    assert "model m: 2 outputs (mu, sigma) and none chosen; set prediction_key" in message


def test_metrics_that_choose_outputs_themselves_need_no_prediction_key():
    check('metrics { class_name: "ExampleCount" }', outputs=("mu", "sigma"))


def test_an_output_that_the_model_lacks():
    message = fault(auc(""), model=LABEL + ' prediction_key: "nu"', outputs=("mu", "sigma"))
    assert "model m: no output 'nu'; it has: mu, sigma" in message


@pytest.mark.parametrize(
    ("model", "outputs"),
    [
        (LABEL, ("p",)),
        (LABEL, ("probabilities", "classes")),
        (LABEL + ' prediction_key: "mu"', ("mu", "sigma")),
        ('label_keys { key: "mu" value: "y" }', ("mu", "sigma")),
    ],
)
def test_outputs_that_are_chosen(model, outputs):
    check(auc(""), model=model, outputs=outputs)
