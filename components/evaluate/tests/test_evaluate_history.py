"""The chain of releases behind the live one, as push_model keeps their metrics."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from kanaria.components.evaluate import blessing_outcome, release_history, report
from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.shared.artifacts.judged_metrics import Check, Value
from kanaria.components.shared.artifacts.model_evaluation import Measured, ModelEvaluation
from kanaria.components.shared.artifacts.release import FORMAT
from kanaria.components.shared.html_report.html_page import MOST_BYTES

HOSTILE = "</script><script>alert(1)</script>"
AUC = Value(slice="", metric="auc", candidate=0.8123456789012345, baseline=None)
FINDINGS = Findings(
    eval_config="x",
    split="eval",
    row_count=100,
    value_thresholds=1,
    change_thresholds=0,
    validation_ok=True,
    values=(
        Value(slice="", metric="example_count", candidate=100.0, baseline=None),
        Value(slice="", metric="loss", candidate=float("nan"), baseline=None),
        Value(slice="x=1", metric="auc", candidate=0.5, baseline=None),
        replace(AUC, candidate_interval=(0.7, 0.9)),
    ),
    checks=(Check(value=AUC, kind="value_threshold", bound="at least 0.7", passed=True, text="t"),),
)


def release(root: Path, name: str, evaluation: object, span: str = "") -> str:
    """Write the record of a release, as push_model does; return the release's URI."""
    origin = {"evaluation": evaluation, "data_span": span}
    document = {"contents": {}, "origin": {k: v for k, v in origin.items() if v}}
    (root / name).mkdir()
    (root / name / "release.json").write_text(json.dumps(FORMAT.numbered(document)))
    return str(root / name)


def recorded(against: str = "", auc: float = 0.75) -> dict[str, object]:
    metrics = {"auc": {"value": auc, "low": auc - 0.1, "high": None}}
    return {"split": "eval", "rows": 50, "against": against, "metrics": metrics}


def page(history: release_history.ReleaseHistory) -> str:
    return report.page(blessing_outcome.decide(FINDINGS, "live"), FINDINGS, "live", history)


def test_a_release_keeps_the_finite_metrics_over_all_rows_to_the_last_digit():
    evaluation = FINDINGS.evaluation("s3://b/tips/live")
    assert evaluation == ModelEvaluation(
        split="eval",
        rows=100,
        against="s3://b/tips/live",
        metrics={
            "auc": Measured(value=0.8123456789012345, low=0.7, high=0.9),
            "example_count": Measured(value=100.0),
        },
    )
    assert next(iter(evaluation.metrics)) == "auc"  # It has the threshold.


def test_the_releases_are_read_from_the_first_to_the_live_one(tmp_path: Path):
    uri = ""
    for number in range(3):
        uri = release(
            tmp_path, f"{number}abc", recorded(uri, auc=0.7 + number / 100), f"2013-0{number}"
        )
    past = release_history.read(uri)
    assert [each.name for each in past.releases] == ["0abc", "1abc", "2abc"]
    values = [each.evaluation.metrics["auc"].value for each in past.releases]
    assert values == [0.7, 0.71, 0.72]
    assert past.end == release_history.FIRST
    document = page(past).partition("Releases so far</h2>")[2]
    drawn = re.findall(r"<tr><td>([^<]*)</td><td[^>]*>0\.(\d+)</td>", document)
    assert drawn == [
        ("0abc 2013-00", "7"),
        ("1abc 2013-01", "71"),
        ("2abc 2013-02", "72"),
        ("candidate", "81235"),
    ]
    assert 'data-value="0.8123456789012345"' in document


def test_no_more_than_the_last_releases_are_read(tmp_path: Path):
    uri = ""
    for number in range(release_history.MOST + 3):
        uri = release(tmp_path, f"r{number}", recorded(uri))
    past = release_history.read(uri)
    assert len(past.releases) == release_history.MOST
    assert past.releases[-1].uri == uri
    assert past.end == release_history.MORE


def test_a_release_of_an_earlier_kanaria_ends_the_history(tmp_path: Path):
    past = release_history.read(release(tmp_path, "live", recorded(release(tmp_path, "old", None))))
    assert [each.name for each in past.releases] == ["live"]
    assert "old/release.json: the release keeps no metrics" in past.end
    assert "the release keeps no metrics" in page(past)


@pytest.mark.parametrize(
    "evaluation",
    [
        *({"metrics": 5}, "x", [1], recorded() | {"rows": None}, recorded() | {"against": 5}),
        *(recorded() | {"metrics": {"auc": one}} for one in (5, {}, {"value": "nan"})),
        recorded() | {"metrics": {"auc": {"value": None, "low": 1, "high": 2}}},
    ],
)
def test_what_cannot_be_read_ends_the_history_with_its_place(tmp_path: Path, evaluation: object):
    damaged = release(tmp_path, "damaged", evaluation)
    past = release_history.read(release(tmp_path, "live", recorded(damaged)))
    assert [each.name for each in past.releases] == ["live"]
    assert "damaged/release.json: no readable evaluation" in past.end


def test_a_removed_release_and_a_circle_end_the_history(tmp_path: Path):
    gone = release_history.read(release(tmp_path, "live", recorded(str(tmp_path / "gone"))))
    assert "gone/release.json" in gone.end
    circle = str(tmp_path / "circle")
    assert len(release_history.read(release(tmp_path, "circle", recorded(circle))).releases) == 1


def test_a_first_release_has_no_history():
    past = release_history.read("")
    assert "Releases so far" not in report.page(
        blessing_outcome.decide(FINDINGS, ""), FINDINGS, "", past
    )


def test_names_of_metrics_and_spans_are_only_text(tmp_path: Path):
    odd = recorded() | {"metrics": {HOSTILE: {"value": 1, "low": None, "high": None}}}
    past = release_history.read(release(tmp_path, "live", odd, HOSTILE))
    named = replace(FINDINGS, values=(replace(AUC, metric=HOSTILE),))
    document = report.page(blessing_outcome.decide(named, "live"), named, "live", past)
    assert "alert(1)</script>" not in document


def test_very_many_long_names_and_releases_stay_below_the_size_of_a_page(tmp_path: Path):
    long = [f"{HOSTILE}{'m' * 400}{number}" for number in range(50)]
    uri = ""
    for number in range(release_history.MOST):
        metrics = {name: {"value": number / 3, "low": None, "high": None} for name in long}
        evaluation = recorded(uri) | {"metrics": metrics}
        uri = release(tmp_path, f"{number:03}{'z' * 100}", evaluation, HOSTILE * 3)
    values = [
        Value(slice=f"{HOSTILE}{place}" if place else "", metric=name, candidate=0.5, baseline=None)
        for place in range(60)
        for name in long
    ]
    checks = [
        Check(value=value, kind="value_threshold", bound="b" * 200, passed=False, text=HOSTILE)
        for value in values[:2000]
    ]
    many = replace(FINDINGS, values=tuple(values), checks=tuple(checks))
    outcome = blessing_outcome.decide(many, uri)
    document = report.page(outcome, many, uri, release_history.read(uri))
    assert len(document.encode()) < MOST_BYTES
    assert "alert(1)</script>" not in document


def test_the_deciding_threshold_is_a_broken_one_else_one_over_all_rows():
    sliced = Check(
        value=Value(slice="x=1", metric="auc", candidate=0.5, baseline=0.4),
        kind="value_threshold",
        bound="at least 0.7",
        passed=True,
        text="t",
    )
    both = replace(FINDINGS, checks=(sliced, FINDINGS.checks[0]))
    assert [one["metric"] for one in both.deciding()] == ["auc"]
    broken = replace(FINDINGS, checks=(replace(sliced, passed=False), FINDINGS.checks[0]))
    assert broken.deciding() == [
        {
            "metric": "auc @ x=1",
            "candidate": 0.5,
            "deployed": 0.4,
            "limit": "at least 0.7",
            "passed": False,
        }
    ]
    assert Findings.metadata(broken, "bless_model")["outcome"]["deciding"]
