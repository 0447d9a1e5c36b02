"""Confidence intervals: TFMA's formulas over draws that repeat themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from twins import accumulated, column, equal, on_beam, parsed

from kanaria.components.evaluate import slices, tfma_results
from kanaria.components.evaluate.evaluated_rows import Rows

ROWS = 400
LABEL = np.random.default_rng(2).integers(0, 2, ROWS)
CONFIG = """
model_specs { label_key: "y" } slicing_specs { feature_keys: "half" }
options { compute_confidence_intervals { value: true }
  confidence_intervals { method: %s } }
metrics_specs { metrics { class_name: "MeanLabel" } metrics { class_name: "MeanSquaredError" }
  metrics { class_name: "AUC" } metrics { class_name: "ExampleCount" } }
"""


def rows() -> Rows:
    score = np.clip(LABEL * 0.3 + np.random.default_rng(4).random(ROWS) * 0.7, 0, 1)
    columns = {
        "y": column("i", LABEL.tolist()),
        "half": column("i", (np.arange(ROWS) % 2).tolist()),
    }
    return Rows(
        table=pa.table(columns),
        predictions={"": {"p": score.astype("float32")[:, None]}},
        derived={},
    )


def errors(folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Return value and standard error by slice and metric."""
    by_key = {}
    for entry in tfma.load_metrics(str(folder)):
        key = tfma_results.slice_name(tfma_results.key_of_slice(entry))
        for pair in entry.metric_keys_and_values:
            error = pair.confidence_interval.standard_error.double_value.value
            by_key[key, pair.key.name] = (pair.value.double_value.value, error)
    return by_key


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_values_are_those_of_all_rows_and_errors_near_theory(tmp_path: Path, method: str):
    for name in ("once", "again", "beam"):
        (tmp_path / name).mkdir()
    config = parsed(CONFIG % method)
    accumulated(rows(), config, tmp_path / "once", parts=3)
    accumulated(rows(), config, tmp_path / "again", parts=3)
    values = errors(tmp_path / "once")
    assert values == errors(tmp_path / "again")
    value, error = values["", "mean_label"]
    assert value == pytest.approx(LABEL.mean(), abs=1e-12)
    # The standard error of a mean; one of 20 samples is itself off by a sixth of it.
    assert error == pytest.approx(LABEL.std() / ROWS**0.5, rel=0.6)
    assert values["half=0", "mean_label"][1] > 0
    assert values["", "example_count"] == (ROWS, 0.0)
    on_beam(rows(), config, tmp_path / "beam")
    local, beam = (
        leave_out(tfma_results.load(tmp_path / name, "").numbers, method)
        for name in ("once", "beam")
    )
    assert equal(local, beam, 1e-12) == []


def leave_out(numbers: dict[Any, Any], method: str) -> dict[Any, Any]:
    """Leave out errors of single rows, of which TFMA's jackknife counts some buckets twice."""
    row_by_row = [] if method == "POISSON_BOOTSTRAP" else ["mean_squared_error"]
    return {
        key: {metric: value for metric, value in of_slice.items() if metric.name not in row_by_row}
        for key, of_slice in numbers.items()
    }


def test_a_jackknife_of_mean_errors_counts_each_row_once(tmp_path: Path):
    accumulated(rows(), parsed(CONFIG % "JACKKNIFE"), tmp_path)
    score = rows().predictions[""]["p"][:, 0].astype(float)
    expected = np.mean((LABEL - score) ** 2)
    assert errors(tmp_path)["", "mean_squared_error"][0] == pytest.approx(expected, abs=1e-7)


def test_bootstrap_draws_each_row_once_on_average_and_jackknife_once():
    nothing = np.zeros(5000, dtype=np.int64)
    membership = slices.Membership(keys=((),), rows=np.arange(5000), slices=nothing)
    boot = slices.sampled(membership, slices.BOOTSTRAP, 20, (0, 0))
    counts = dict(zip(boot.keys, np.bincount(boot.slices), strict=True))
    assert counts[(), slices.private.FULL_SAMPLE] == 5000
    assert all(4700 < counts[(), sample] < 5300 for sample in range(20))
    buckets = slices.sampled(membership, slices.JACKKNIFE, 20, (0, 0))
    assert sorted(buckets.rows.tolist()) == list(range(5000))
    assert len(buckets.keys) == 20
    other = slices.sampled(membership, slices.JACKKNIFE, 20, (0, 1))
    assert not np.array_equal(other.rows, buckets.rows)
