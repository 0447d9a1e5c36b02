"""One evaluation of a good candidate against a worse deployed model, looked at from all sides."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import object_stores
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from evaluations import (
    CHANGE,
    CONFIG,
    HOSTILE,
    ON_SLICE,
    ROWS,
    VALUE,
    EvaluationRequest,
    Judged,
    Preprocessing,
    home,
    judged,
    request,
    table,
    to_bless,
    write_examples,
)
from signed_releases import published
from signing_keys import pair

from kanaria.components.evaluate.bless import bless
from kanaria.components.shared.artifacts import outcome as outcomes
from kanaria.components.shared.data.examples import ExamplesFormat
from kanaria.components.shared.data.write_examples import write_split
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import uri_files

__all__ = ["home"]


@pytest.fixture(scope="module")
def compared(home: Path) -> tuple[EvaluationRequest, Judged]:
    """The candidate beats its threshold everywhere and the deployed model."""
    config = CONFIG % (VALUE % 0.6 + ON_SLICE % ('feature_keys: "carrier"', 0.5))
    job = request(home, "compared", config, deployed=str(home / "release"))
    return job, judged(job)


@pytest.fixture(scope="module")
def refused(home: Path) -> tuple[EvaluationRequest, Judged]:
    """The bad model is judged against a good one by value, change, and a slice without rows."""
    slice_of_nobody = 'feature_values { key: "carrier" value: "ZZ" }'
    config = CONFIG % (ON_SLICE % (slice_of_nobody, 0.1))
    config = config.replace('"BinaryAccuracy"', f'"BinaryAccuracy" {CHANGE}')
    good = home / "good-release"
    (good).mkdir()
    (good / "model").symlink_to(home / "good")
    job = request(
        home, "refused", config, model=str(home / "release" / "model"), deployed=str(good)
    )
    return job, judged(job)


@pytest.fixture(scope="module")
def first_run(home: Path) -> tuple[EvaluationRequest, Judged]:
    """No deployed model; only a change threshold is given."""
    job = request(home, "first", CONFIG % CHANGE, model=str(home / "named"))
    return job, judged(job)


def probability(weight: float) -> np.ndarray:
    return 1 / (1 + np.exp(-weight * table()["score"].to_numpy().astype("float64")))


def exact_auc(label: np.ndarray, score: np.ndarray) -> float:
    """Share of pairs of one positive and one negative row that are in order."""
    difference = score[label == 1][:, None] - score[label == 0][None, :]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def test_a_good_model_is_blessed(compared):
    _, result = compared
    assert result.blessed
    assert result.row_count == ROWS


def test_metrics_equal_their_formulas_on_all_rows(compared):
    _, result = compared
    label = table()["late"].to_numpy()
    for prefix, weight in (("", 2.0), ("baseline_", -1.0)):
        predicted = probability(weight)
        assert result.metrics[f"{prefix}example_count"] == ROWS
        assert result.metrics[f"{prefix}auc"] == pytest.approx(
            exact_auc(label, predicted), abs=1e-4
        )
        assert result.metrics[f"{prefix}binary_accuracy"] == pytest.approx(
            np.mean((predicted > 0.5) == label)
        )


def test_a_candidate_has_the_same_values_alone_as_beside_the_live_model(compared, refused):
    for _, result in (compared, refused):
        beside = {k: v for k, v in result.metrics.items() if not k.startswith("baseline_")}
        assert result.alone == beside
        assert len(result.metrics) == 2 * len(beside)


def test_the_report_of_the_evaluation_gives_no_verdict(refused):
    page = (refused[0].out / "evaluation.html").read_text()
    assert "binary_accuracy" in page
    assert "lessed" not in page


def test_tfma_loads_the_evaluation(compared):
    job, result = compared
    loaded = tfma.load_eval_result(job.comparison, model_name="candidate")
    overall = dict(loaded.slicing_metrics)[()]
    assert overall[""][""]["auc"]["doubleValue"] == result.metrics["auc"]
    assert tfma.load_validation_result(job.comparison).validation_ok
    alone = dict(tfma.load_eval_result(job.evaluation).slicing_metrics)[()]
    assert alone[""][""]["auc"]["doubleValue"] == result.metrics["auc"]


def test_crossed_slices_are_evaluated(compared):
    job, _ = compared
    loaded = tfma.load_eval_result(job.comparison, model_name="candidate")
    counts = {k: m[""][""]["example_count"]["doubleValue"] for k, m in loaded.slicing_metrics}
    assert counts[(("carrier", "AA"), ("hour", 0))] == 50
    assert len(counts) == 1 + 3 + 6


def test_the_outcome_lists_thresholds_and_what_held(compared):
    job, result = compared
    stored = outcomes.read(job.out / "outcome")
    assert stored == result.outcome
    assert "at least 0.6" in stored.thresholds["auc"]
    assert stored.thresholds["auc @ carrier=AA"] == ["at least 0.6", "at least 0.5"]
    assert any(note.startswith("auc = ") for note in stored.notes)


def test_kfp_draws_roc_and_confusion_matrix(compared):
    _, result = compared
    json.dumps(result.classification, allow_nan=False)
    points = result.classification["confidenceMetrics"]
    assert 2 < len(points) <= 200
    assert (points[0]["recall"], points[-1]["recall"]) == (0.0, 1.0)
    rows = result.classification["confusionMatrix"]["rows"]
    accuracy = (rows[0]["row"][0] + rows[1]["row"][1]) / ROWS
    assert accuracy == pytest.approx(result.metrics["binary_accuracy"])


def test_the_report_is_one_small_file_with_escaped_values(compared):
    job, _ = compared
    page = job.report.read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "Blessed" in page
    assert all(f"{title}</h2>" in page for title in ("Slices", "Curves", "Calibration"))
    rows = re.findall(r"<tr><td>deployed</td>", page)
    assert len(rows) > 100  # Points of curves, bins, thresholds.
    assert len(page) < 2_000_000


def test_a_worse_model_is_refused_with_both_values(refused):
    _, result = refused
    assert not result.blessed
    broken = [r for r in result.outcome.reasons if r.subject == "binary_accuracy"]
    assert broken[0].kind == "change_threshold"
    assert f"to {result.metrics['binary_accuracy']:.6g}" in broken[0].text
    assert f"from {result.metrics['baseline_binary_accuracy']:.6g}" in broken[0].text


def test_a_slice_without_rows_does_not_hold(refused):
    _, result = refused
    (missing,) = [r for r in result.outcome.reasons if "ZZ" in r.subject]
    assert missing.text == (
        "no rows in slice carrier=ZZ, so auc could not be checked: at least 0.1"
    )


def test_a_first_run_skips_change_thresholds_and_says_so(first_run):
    job, result = first_run
    assert result.blessed
    assert "no deployed model: first run, 1 change threshold skipped" in result.outcome.notes
    assert tfma.load_eval_result(job.evaluation).slicing_metrics


def test_named_features_predict_like_serialized_examples(compared, first_run):
    assert first_run[1].metrics["auc"] == compared[1].metrics["auc"]


def test_tfrecord_examples_are_evaluated_like_parquet(home: Path, first_run):
    (home / "tfrecord").mkdir()
    rows = table()
    write_split(home / "tfrecord/split=eval", ExamplesFormat.TFRECORD, rows.schema, [[rows]])
    packed = str(home / "tfrecord")
    job = request(home, "packed", CONFIG % CHANGE, model=str(home / "named"), examples=packed)
    assert judged(job) == first_run[1]


WITHOUT_TENSORFLOW = """
import sys
from pathlib import Path
from kanaria.components.evaluate.bless import BlessRequest, bless
names = ("evaluation", "comparison", "outcome", "report")
folders = dict(zip(names, map(Path, sys.argv[1:5])))
bless(BlessRequest(examples="", model="", eval_config_file=sys.argv[5], deployed="", **folders))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "apache_beam"}))
"""


def test_a_first_run_is_blessed_without_loading_tensorflow(first_run, tmp_path: Path):
    job, result = first_run
    paths = [
        job.evaluation,
        *(str(tmp_path / name) for name in "cor"),
        job.eval_config_file,
    ]
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert outcomes.read(tmp_path / "o") == result.outcome


def test_an_evaluation_by_another_config_is_not_blessed(first_run, tmp_path: Path):
    other = tmp_path / "config.pbtxt"
    other.write_text(CONFIG % "")
    job = replace(first_run[0], out=tmp_path)
    whole = to_bless(job, evaluation=Path(first_run[0].evaluation), eval_config_file=str(other))
    with pytest.raises(DataError, match="the evaluation was made with another EvalConfig"):
        bless(whole)


def test_an_evaluation_without_findings_is_not_blessed(first_run, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"findings.json: no readable evaluation"):
        bless(to_bless(first_run[0], evaluation=tmp_path / "empty"))


def test_a_value_threshold_on_one_slice_fails_there_only(home: Path):
    on_slice = ON_SLICE % ('feature_values { key: "carrier" value: "UA" }', 0.999)
    result = judged(request(home, "one-slice", CONFIG % on_slice))
    (reason,) = result.outcome.reasons
    assert reason.subject == "auc @ carrier=UA"
    assert reason.text.endswith("is below the lower bound 0.999 on slice carrier=UA")


def test_no_threshold_is_no_blessing(home: Path):
    result = judged(request(home, "none", CONFIG % ""))
    assert [reason.kind for reason in result.outcome.reasons] == ["no_threshold"]
    assert not result.blessed


@pytest.fixture(scope="module")
def tfx_model(home: Path) -> str:
    """As TFX's taxi example: serving_default takes examples, the label is a transformed one."""
    model = Preprocessing(2.0)
    signatures = {"serving_default": model.serve, "transform_features": model.transform}
    tf.saved_model.save(model, str(home / "tfx" / "1"), signatures=signatures)
    return str(home / "tfx")


TRANSFORMED = 'label_key: "late_xf" preprocessing_function_names: "transform_features"'


def test_a_tfx_model_gives_labels_through_its_preprocessing(home: Path, tfx_model: str):
    config = (CONFIG % (VALUE % 0.5)).replace('label_key: "late"', TRANSFORMED)
    by_slice = config.replace('feature_keys: "carrier"', 'feature_keys: "late_xf"', 1)
    job = request(home, "preprocessed", by_slice, model=tfx_model)
    result = judged(job)
    label = 1 - table()["late"].to_numpy()
    assert result.metrics["auc"] == pytest.approx(exact_auc(label, probability(2.0)), abs=1e-4)
    slices = [dict(key) for key, _ in tfma.load_eval_result(job.evaluation).slicing_metrics]
    assert {"late_xf": 1} in slices


@pytest.mark.parametrize(("metric", "locally"), [("AUC", True), ("BinaryCrossentropy", False)])
def test_no_raw_column_is_needed(home: Path, tfx_model: str, metric: str, locally: bool):
    """TFX's own configs slice by nothing and take a transformed label."""
    only = f'metrics {{ class_name: "{metric}" {VALUE % 0.0} }}'
    config = f"model_specs {{ {TRANSFORMED} }} slicing_specs {{}} metrics_specs {{ {only} }}"
    rows = table().add_column(0, "nothing", pa.nulls(ROWS))
    examples = write_examples(home / f"{metric}-examples", rows)
    job = request(home, metric, config, model=tfx_model, examples=str(examples))
    result = judged(job)
    label, p = 1 - table()["late"].to_numpy(), probability(2.0)
    entropy = -np.mean(label * np.log(p) + (1 - label) * np.log(1 - p))
    expected = exact_auc(label, p) if locally else entropy
    assert list(result.metrics.values()) == pytest.approx([expected], abs=1e-4)
    assert result.row_count == ROWS
    assert not any("Beam" in note for note in result.outcome.notes)


def test_a_column_without_any_value_is_left_out(home: Path):
    rows = table().append_column("nothing", pa.nulls(ROWS))
    folder = write_examples(home / "nothing-examples", rows)
    config = (CONFIG % (VALUE % 0.5)).replace('"hour"', '"nothing"')
    assert judged(request(home, "nothing", config, examples=str(folder))).blessed


# Bad input: one clear error, and nothing a later step would accept.


def test_config_and_deployed_release_in_a_bucket_give_the_same_numbers(
    home: Path, compared: tuple[EvaluationRequest, Judged], monkeypatch: pytest.MonkeyPatch
):
    job, local = compared
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        last = "model/1/saved_model.pb"
        uri_files.publish(home / "release", f"{bucket.uri}/release", last=last)
        uri_files.publish(Path(job.eval_config_file), f"{bucket.uri}/config.pbtxt")
        config = Path(job.eval_config_file).read_text()
        remote = request(
            home,
            "remote",
            config,
            deployed=f"{bucket.uri}/release",
            eval_config_file=f"{bucket.uri}/config.pbtxt",
        )
        assert judged(remote).metrics == local.metrics


def test_a_live_model_that_is_not_the_signed_one_is_not_compared_with(
    compared: tuple[EvaluationRequest, Judged], tmp_path: Path
):
    keys = pair(tmp_path, "own")
    release = published(tmp_path, keys)
    (release / "model/1/saved_model.pb").write_text("other graph")
    job = to_bless(
        compared[0],
        deployed=str(release),
        verify_key=keys.public.read_text(),
        comparison=tmp_path / "comparison",
        outcome=tmp_path / "outcome",
    )
    with pytest.raises(DataError, match=r"model/1/saved_model\.pb is not what was signed"):
        bless(job)
    assert not job.outcome.exists()
