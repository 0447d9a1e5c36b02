"""Accumulators give the numbers of TFMA's pipeline on Beam, on every slice and metric."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from twins import Twins, accumulated, equal, twins

from kanaria.components.evaluate import eval_config, tfma_results
from kanaria.components.evaluate.evaluated_rows import Rows

CONFIG = """
model_specs { label_key: "y" example_weight_key: "w" }
slicing_specs { feature_keys: "carrier" }
slicing_specs { feature_keys: ["carrier", "hour"] }
slicing_specs { feature_values { key: "carrier" value: "AA" } }
cross_slicing_specs {
  baseline_spec {} slicing_specs { feature_keys: "carrier" } }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "WeightedExampleCount" }
  metrics { class_name: "AUC" threshold { value_threshold { lower_bound { value: 0.7 } } } }
  metrics { class_name: "AUCPrecisionRecall" }
  metrics { class_name: "BinaryAccuracy" threshold { change_threshold {
    direction: HIGHER_IS_BETTER relative { value: 0.01 } } } }
  metrics { class_name: "Precision" }
  metrics { class_name: "Recall" }
  metrics { class_name: "Calibration" }
  metrics { class_name: "MeanLabel" }
  metrics { class_name: "MeanSquaredError" }
  metrics { class_name: "CalibrationPlot" }
  %s
}
"""


def rows(count: int = 200) -> Rows:
    generator = np.random.default_rng(3)
    label = (generator.random(count) < 0.4).astype("int64")
    noise = generator.normal(size=(2, count))
    scores = 1 / (1 + np.exp(-(2 * label - 1 + noise * [[1], [3]])))
    carrier: list = [[[b"AA"], [b"UA"], [b"DL\0"], None][i % 4] for i in range(count)]
    columns = {
        "y": pa.array([[v] for v in label.tolist()], pa.large_list(pa.int64())),
        "w": pa.array([[v] for v in generator.random(count)], pa.large_list(pa.float32())),
        "carrier": pa.array(carrier, pa.large_list(pa.large_binary())),
        "hour": pa.array([[i % 3] for i in range(count)], pa.large_list(pa.int64())),
    }
    predictions = {
        name: {"p": score.astype("float32")[:, None]}
        for name, score in zip(("candidate", "baseline"), scores, strict=True)
    }
    return Rows(table=pa.table(columns), predictions=predictions, derived={})


def config(metric: str = "") -> tfma.EvalConfig:
    parsed = text_format.Parse(CONFIG % metric, tfma.EvalConfig())
    return eval_config.for_models(parsed, with_baseline=True)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    return twins(tmp_path_factory.mktemp("both"), rows(), config())


def test_every_number_on_every_slice_is_equal(both: Twins):
    local, parts, beam = (both.numbers(folder) for folder in (both.once, both.parts, both.beam))
    assert len(local) > 12
    assert equal(local, beam, 1e-12) == []
    assert equal(local, parts, 1e-12) == []


def rounded(plots: object) -> list[str]:
    """Return every plot with its slice as text, its numbers to 9 digits."""
    return sorted(
        re.sub(r"\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.9g}", str(plot))
        for plot in plots
    )


def test_plots_are_equal(both: Twins):
    for model in ("candidate", "baseline"):
        local, parts, beam = (
            rounded(tfma.load_eval_result(str(folder), model_name=model).plots)
            for folder in (both.once, both.parts, both.beam)
        )
        assert local == beam == parts
        assert len(local) > 12


def test_the_verdict_and_its_failures_are_equal(both: Twins):
    local, beam = (tfma_results.load(folder, "candidate") for folder in (both.once, both.beam))
    assert local.failures == beam.failures != set()
    assert local.validation_ok == beam.validation_ok is False
    details = [
        sorted(
            str(each)
            for each in tfma.load_validation_result(str(f)).validation_details.slicing_details
        )
        for f in (both.once, both.beam)
    ]
    assert details[0] == details[1]


def test_a_slice_of_two_specs_is_written_once(both: Twins):
    written = [str(entry.slice_key) for entry in tfma.load_metrics(str(both.once))]
    assert len(written) == len(set(written)) + written.count("") - 1
    assert len(written) == len(list(tfma.load_metrics(str(both.beam))))


@pytest.mark.parametrize(("least", "holds"), [(0.1, True), (0.99, False)])
def test_a_threshold_by_a_metrics_name_binds_that_metric(tmp_path: Path, least: float, holds: bool):
    limit = f"value_threshold {{ lower_bound {{ value: {least} }} }}"
    on_carriers = f'slicing_specs {{ feature_keys: "carrier" }} threshold {{ {limit} }}'
    parsed = text_format.Parse(
        'model_specs { label_key: "y" } slicing_specs { feature_keys: "carrier" } metrics_specs {'
        f' metrics {{ class_name: "AUC" }} thresholds {{ key: "auc" value {{ {limit} }} }}'
        f' per_slice_thresholds {{ key: "auc" value {{ thresholds {{ {on_carriers} }} }} }} }}',
        tfma.EvalConfig(),
    )
    config = eval_config.for_models(parsed, with_baseline=True)
    accumulated(rows(), config, tmp_path)
    results = tfma_results.load(tmp_path, "candidate")
    assert results.validation_ok is holds
    assert len(results.failures) == (0 if holds else 4)  # Over all rows, and on three carriers.
