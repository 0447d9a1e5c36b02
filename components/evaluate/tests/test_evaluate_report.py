"""The page of an evaluation shows what was found, all of it and nothing else."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from twins import accumulated, column, parsed

from kanaria.components.evaluate import (
    curves,
    findings_file,
    plots,
    report,
    tfma_results,
)
from kanaria.components.evaluate import score_counts as tables
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.shared.artifacts.judged_metrics import Check, Value
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.wilson_interval import wilson

HOSTILE = "x=</script><script>alert(1)</script>"
VALUES = (
    Value(slice="", metric="auc", candidate=0.8, baseline=0.7, candidate_interval=(0.75, 0.85)),
    Value(slice="", metric="example_count", candidate=100.0, baseline=100.0),
    Value(slice=HOSTILE, metric="auc", candidate=0.6, baseline=None),
    Value(slice=HOSTILE, metric="example_count", candidate=40.0, baseline=40.0),
)
FINDINGS = Findings(
    eval_config="x",
    split="eval",
    row_count=100,
    value_thresholds=1,
    change_thresholds=0,
    validation_ok=True,
    values=VALUES,
    checks=(Check(value=VALUES[2], kind="k", bound=">= 0.5", passed=True, text="t"),),
    curves={"candidate": curves.drawn(tables.of(np.array([0, 1, 1.0]), np.array([0.1, 0.4, 0.9])))},
    matrices={"candidate": plots.Matrix(actual=[0, 1], predicted=[1, -1], rows=[3.0, 1.0])},
    buckets={"candidate": plots.Buckets(mean_prediction=[1.0], mean_label=[1.5], rows=[4.0])},
)


def rows(page: str) -> list[list[str]]:
    """Return the texts of the cells of every row."""
    lines = re.findall(r"<tr>(<td.*?)</tr>", page)
    return [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in lines
    ]


def test_a_slice_stands_beside_the_deployed_model_with_interval_and_rows():
    page = report.of_evaluation(FINDINGS)
    assert ["auc", "0.8", "0.75 to 0.85", "0.7", "0.1"] in rows(page)
    escaped = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    assert [escaped, "auc", "40", "0.6", "–", "–"] in rows(page)
    assert ["auc", "overall", "candidate", "0.8", "0.75", "0.85", "100"] in rows(page)
    assert "alert(1)</script>" not in page


def test_without_intervals_the_page_tells_how_to_ask_for_them():
    bare = tuple(replace(value, candidate_interval=None) for value in VALUES)
    assert "compute_confidence_intervals" in report.of_evaluation(replace(FINDINGS, values=bare))
    assert "compute_confidence_intervals" not in report.of_evaluation(FINDINGS)


def test_a_threshold_is_told_with_all_that_follows_from_it():
    shown = [row for row in rows(report.of_evaluation(FINDINGS)) if row[:2] == ["candidate", "0.9"]]
    # Of one negative and two positive rows, one positive predicts 0.9.
    assert ["1", "0.5", "0.66667", "0.66667", "0", "1", "0", "1", "1"] in [r[2:] for r in shown]


def test_the_verdict_leads_and_each_limit_is_told():
    outcome = Outcome(step="bless_model", passed=True)
    page = report.page(outcome, FINDINGS, "/releases/7")
    assert page.index("Blessed") < page.index("Thresholds</h2>") < page.index("Overall</h2>")
    assert "against /releases/7" in page
    assert any(row[0] == "passed" and row[3] == "&gt;= 0.5" for row in rows(page))


def test_classes_and_residuals_are_drawn_where_they_were_plotted():
    page = report.of_evaluation(replace(FINDINGS, curves={}))
    assert ["0", "1", "3", "1"] in rows(page)
    assert ["1", "none", "1", "1"] in rows(page)
    assert ["candidate", "1", "1.5", "0.5", "4"] in rows(page)
    bare = report.of_evaluation(replace(FINDINGS, curves={}, matrices={}, buckets={}))
    assert "MultiClassConfusionMatrixPlot" in bare


def test_many_slices_of_long_names_stay_below_two_megabytes():
    many = [replace(v, slice=f"{i}{'<&>' * 99}") for i in range(5_000) for v in VALUES]
    checks = [replace(FINDINGS.checks[0], value=value) for value in many]
    text = "<&>" * 200
    reasons = [Reason(severity="ERROR", subject="s", kind="k", text=text)] * 5_000
    findings = replace(FINDINGS, values=tuple(many), checks=tuple(checks))
    outcome = Outcome(step="bless_model", passed=False, reasons=tuple(reasons))
    page = report.page(outcome, findings, "")
    assert len(page.encode()) < 2_000_000
    assert "18800 more rows are left out" in page
    assert "4980 more are in the outcome" in page


def test_findings_are_read_as_they_were_written(tmp_path: Path):
    findings_file.write(FINDINGS, tmp_path)
    assert findings_file.read(tmp_path) == FINDINGS


def test_findings_of_an_older_kanaria_are_read(tmp_path: Path):
    findings_file.write(replace(FINDINGS, matrices={}, buckets={}), tmp_path)
    path = tmp_path / findings_file.FILE
    document = json.loads(path.read_text()) | {"format": 1}
    older = ("false_positive_rate", "true_positive_rate", "mean_prediction", "positive_rate")
    del document["matrices"], document["buckets"]
    for value in document["values"]:
        del value["candidate_interval"], value["baseline_interval"]
    for name, curve in document["curves"].items():
        document["curves"][name] = {key: curve[key] for key in older}
    path.write_text(json.dumps(document))
    old = findings_file.read(tmp_path)
    assert old.curves["candidate"].mean_prediction == FINDINGS.curves["candidate"].mean_prediction
    assert "Calibration</h2>" in report.of_evaluation(old)


@given(st.integers(1, 500), st.data())
def test_bands_are_wilsons(rows: int, data: st.DataObject):
    hits = data.draw(st.integers(0, rows))
    expected = stats.binomtest(hits, rows).proportion_ci(method="wilson")
    band = wilson(hits / rows, rows)
    assert band == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32)), min_size=1, max_size=60))
def test_thresholds_count_what_is_at_or_above_them(pairs: list[tuple[bool, float]]):
    label, score = (np.array(each, dtype=float) for each in zip(*pairs, strict=True))
    counts = curves.at_thresholds(tables.of(label, score))
    for at, true, false in zip(*counts, strict=True):
        assert true == ((score >= at) & (label == 1)).sum()
        assert false == ((score >= at) & (label == 0)).sum()


CLASSES = """
model_specs { label_key: "y" }
options { compute_confidence_intervals { value: true }
  confidence_intervals { method: JACKKNIFE } }
metrics_specs { metrics { class_name: "SparseCategoricalAccuracy" }
  metrics { class_name: "MultiClassConfusionMatrixPlot" } }
"""
REGRESSION = """
model_specs { label_key: "y" }
metrics_specs { metrics { class_name: "MeanSquaredError" }
  metrics { class_name: "CalibrationPlot" config: '"left": -10, "right": 10' } }
"""


def test_intervals_and_the_confusion_matrix_are_tfmas(tmp_path: Path):
    label = np.arange(300) % 3
    score = np.eye(3, dtype="float32")[np.where(np.arange(300) % 5 == 0, (label + 1) % 3, label)]
    columns = {"y": column("i", label.tolist())}
    batch = Rows(table=pa.table(columns), predictions={"": {"p": score * 0.8 + 0.1}}, derived={})
    accumulated(batch, parsed(CLASSES), tmp_path, parts=3)
    loaded = tfma_results.load(tmp_path, "")
    (value,) = [v for v in loaded.values() if v.metric == "sparse_categorical_accuracy"]
    assert value.candidate == pytest.approx(0.8)
    low, high = value.candidate_interval
    assert low < 0.8 < high
    assert high - low == pytest.approx(4 * (0.8 * 0.2 / 300) ** 0.5, rel=0.6)
    matrix = plots.matrix(loaded.plots[""][0])
    counts = dict(zip(zip(matrix.actual, matrix.predicted, strict=True), matrix.rows, strict=True))
    right, wrong = (label == score.argmax(axis=1)), (label != score.argmax(axis=1))
    for actual in range(3):
        assert counts[actual, actual] == right[label == actual].sum()
        assert counts[actual, (actual + 1) % 3] == wrong[label == actual].sum()
    assert len(counts) == 6


def test_residuals_are_those_of_the_rows(tmp_path: Path):
    generator = np.random.default_rng(5)
    prediction = generator.normal(size=400).astype("float32")
    label = prediction + generator.normal(0.5, 1, size=400)
    columns = {"y": column("f", label.tolist())}
    batch = Rows(table=pa.table(columns), predictions={"": {"p": prediction[:, None]}}, derived={})
    accumulated(batch, parsed(REGRESSION), tmp_path)
    residuals = plots.buckets(tfma_results.load(tmp_path, "").plots[""][0])
    assert 40 <= len(residuals.rows) <= plots.MOST_BUCKETS
    assert residuals.mean_prediction == sorted(residuals.mean_prediction)
    assert sum(residuals.rows) == 400
    assert np.dot(residuals.rows, residuals.mean_label) == pytest.approx(label.sum())
    assert np.dot(residuals.rows, residuals.mean_prediction) == pytest.approx(prediction.sum())


def test_a_metric_without_any_number_is_not_offered_for_the_chart_of_slices():
    none, some = float("nan"), VALUES[2]
    values = (
        replace(some, metric="loss", candidate=none, baseline=None),
        replace(some, metric="lift", candidate=None, baseline=None),
        replace(some, baseline=none),
    )
    page = report.of_evaluation(replace(FINDINGS, values=values))
    (specs,) = re.findall(r'<script type="application/json" id="specs">(.*?)</script>', page)
    (drawn,) = (spec for spec in json.loads(specs) if "params" in spec)
    assert drawn["params"][0]["bind"]["options"] == ["auc"]
    # No metric counted the rows of slices, which would size the points.
    assert not any("size" in layer["encoding"] for layer in drawn["layer"])
