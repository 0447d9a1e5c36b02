from dataclasses import replace
from pathlib import Path

import pytest

from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.errors import DataError

FAILED = Outcome(
    step="evaluate_model",
    passed=False,
    reasons=(Reason(severity="ERROR", subject="auc", kind="value_threshold", text="auc is low"),),
    notes=("no deployed model",),
    thresholds={"auc": {"lower_bound": 0.7}},
)


def test_an_outcome_reads_back_as_written(tmp_path: Path):
    outcome.write(FAILED, tmp_path / "out")
    assert outcome.read(tmp_path / "out") == FAILED


def test_the_summary_gives_the_verdict_and_the_errors():
    assert FAILED.summary() == "evaluate_model did not pass: auc is low"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"passed": true}', "\xff"])
def test_a_damaged_outcome_is_an_error_so_that_the_gate_stays_shut(tmp_path: Path, content: str):
    (tmp_path / "outcome.json").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=r"outcome\.json"):
        outcome.read(tmp_path)


def test_a_verdict_that_is_not_a_boolean_is_an_error(tmp_path: Path):
    outcome.write(FAILED, tmp_path / "out")
    file = tmp_path / "out" / "outcome.json"
    file.write_text(file.read_text().replace("false", '"yes"'))
    with pytest.raises(DataError, match="not a boolean"):
        outcome.read(tmp_path / "out")


def test_what_an_artifact_says_of_itself_is_short():
    metadata = FAILED.as_metadata()
    assert (metadata["passed"], metadata["summary"]) == (False, FAILED.summary())
    assert metadata["display_name"] == "outcome: evaluate_model did not pass"
    long = replace(FAILED, reasons=FAILED.reasons * 1000)
    assert len(str(long.as_metadata()["summary"])) == outcome.LONGEST_SUMMARY


def test_a_gate_names_the_reasons_of_every_outcome_that_did_not_pass(tmp_path: Path):
    passed = Outcome(step="validate_data", passed=True)
    drifted = replace(FAILED, step="compare_data")
    folders = [tmp_path / name for name in "abc"]
    for folder, each in zip(folders, (FAILED, passed, drifted), strict=True):
        outcome.write(each, folder)
    outcome.require_passed(folders[1])
    with pytest.raises(DataError) as caught:
        outcome.require_passed(*folders)
    message = "evaluate_model did not pass: auc is low; compare_data did not pass: auc is low"
    assert str(caught.value) == message


def test_a_gate_stays_shut_when_an_outcome_is_absent(tmp_path: Path):
    with pytest.raises(DataError, match="not a readable outcome"):
        outcome.require_passed(tmp_path)


def test_a_good_verdict_is_told_with_its_warnings():
    odd = Reason(severity="WARNING", subject="fare", kind="drift", text="fare: 1 % more")
    summary = Outcome(step="compare_data", passed=True, reasons=(odd,)).summary()
    assert summary == "compare_data passed: fare: 1 % more"
    assert replace(FAILED, reasons=(*FAILED.reasons, odd)).summary().endswith(": auc is low")
