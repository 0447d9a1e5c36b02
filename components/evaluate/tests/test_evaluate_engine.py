"""The local way and TFMA's Beam pipeline give the same numbers, on every slice and metric."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import text_format

from kanaria.components.evaluate import engine, eval_config, results
from kanaria.components.evaluate.models import LoadedModel
from kanaria.components.evaluate.rows import Rows

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


MODELS = [
    LoadedModel(name=name, folder=Path("/models") / name, predict=None)  # type: ignore[arg-type]
    for name in ("candidate", "baseline")
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    local, beam = tmp_path_factory.mktemp("local"), tmp_path_factory.mktemp("beam")
    assert engine.analyse(rows(), config(), MODELS, local) == ""
    engine.with_beam(rows(), config(), MODELS, beam)
    return local, beam


def test_every_number_on_every_slice_is_equal(both: tuple[Path, Path]):
    local, beam = (results.load(folder, "candidate").numbers for folder in both)
    assert local.keys() == beam.keys()
    assert len(local) > 12
    for key, expected in beam.items():
        assert local[key].keys() == expected.keys()
        for metric, value in expected.items():
            assert local[key][metric] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)


def rounded(plots: object) -> list[str]:
    """Return every plot with its slice as text, its numbers to 9 digits."""
    return sorted(
        re.sub(r"\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.9g}", str(plot))
        for plot in plots
    )


def test_plots_are_equal(both: tuple[Path, Path]):
    local, beam = (tfma.load_eval_result(str(f), model_name="candidate").plots for f in both)
    assert rounded(local) == rounded(beam)
    assert len(local) > 12


def test_the_verdict_and_its_failures_are_equal(both: tuple[Path, Path]):
    local, beam = (results.load(folder, "candidate") for folder in both)
    assert local.failures == beam.failures != set()
    assert local.validation_ok == beam.validation_ok is False


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ('metrics { class_name: "BinaryCrossentropy" }', "metric 'binary_crossentropy'"),
        ('metrics { class_name: "Precision" config: \'"top_k": 1\' }', "metric"),
    ],
)
def test_what_the_local_way_does_not_know_goes_to_beam(tmp_path: Path, metric: str, reason: str):
    assert engine.analyse(rows(40), config(metric), MODELS, tmp_path).startswith(reason)
    numbers = results.load(tmp_path, "candidate").numbers
    assert () in numbers


def test_slices_in_sql_give_the_numbers_of_slices_by_key(tmp_path: Path, both: tuple[Path, Path]):
    statement = "SELECT STRUCT(hour) FROM UNNEST(example.hour) AS hour"
    parsed = text_format.Parse(
        'model_specs { label_key: "y" example_weight_key: "w" }'
        f'slicing_specs {{ slice_keys_sql: "{statement}" }}'
        'metrics_specs { metrics { class_name: "AUC" } metrics { class_name: "Precision" } }',
        tfma.EvalConfig(),
    )
    found = rows()
    one = Rows(
        table=found.table, predictions={"": found.predictions["candidate"]}, derived=found.derived
    )
    config_of_one = eval_config.for_models(parsed, with_baseline=False)
    model = LoadedModel(name="", folder=Path("/models"), predict=None)  # type: ignore[arg-type]
    assert engine.analyse(one, config_of_one, [model], tmp_path) == "slices in SQL"
    numbers = results.load(tmp_path, "").numbers
    assert sorted(results.slice_name(key) for key in numbers) == ["", "hour=0", "hour=1", "hour=2"]
    by_key = results.load(both[0], "candidate").numbers[()]
    known = {
        key.name: value
        for key, value in by_key.items()
        if key.model_name == "candidate" and not key.is_diff
    }
    for key, value in numbers[()].items():
        assert value == pytest.approx(known[key.name], rel=1e-9)
    assert all({key.name for key in found} == {"auc", "precision"} for found in numbers.values())


def test_many_classes_go_to_beam(tmp_path: Path):
    found = rows(60)
    labels = np.arange(60) % 3
    scores = np.eye(3, dtype="float32")[(labels + (np.arange(60) % 5 == 0)) % 3]
    column = pa.array([[v] for v in labels.tolist()], pa.large_list(pa.int64()))
    classes = Rows(
        table=found.table.set_column(0, "y", column),
        predictions={"": {"probabilities": scores, "logits": scores * 2}},
        derived={},
    )
    parsed = text_format.Parse(
        'model_specs { label_key: "y" } metrics_specs { metrics {'
        ' class_name: "SparseCategoricalAccuracy" } }',
        tfma.EvalConfig(),
    )
    asked = eval_config.for_models(parsed, with_baseline=False)
    model = LoadedModel(name="", folder=Path("/models"), predict=None)  # type: ignore[arg-type]
    assert "not single numbers" in engine.analyse(classes, asked, [model], tmp_path)
    ((_, number),) = results.load(tmp_path, "").numbers[()].items()
    assert number == pytest.approx(48 / 60)


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
    asked = eval_config.for_models(parsed, with_baseline=True)
    engine.analyse(rows(), asked, MODELS, tmp_path)
    found = results.load(tmp_path, "candidate")
    assert found.validation_ok is holds
    assert len(found.failures) == (0 if holds else 4)  # Over all rows, and on three carriers.
