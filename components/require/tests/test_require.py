from pathlib import Path

import pytest
from kfp import dsl

from kanaria.components import require_passed
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.errors import DataError


def gate(folder: Path) -> None:
    """Run the component's function on an outcome."""
    require_passed.python_func(outcome=dsl.Artifact(name="outcome", uri=str(folder)))


def test_a_passed_outcome_lets_the_run_go_on(tmp_path: Path):
    outcome.write(Outcome(step="validate_data", passed=True), tmp_path / "outcome")
    gate(tmp_path / "outcome")


def test_a_failed_outcome_stops_the_run_with_every_reason(tmp_path: Path):
    reasons = tuple(
        Reason(severity="ERROR", subject=name, kind="rule", text=f"{name} is odd") for name in "ab"
    )
    verdict = Outcome(step="validate_data", passed=False, reasons=reasons)
    outcome.write(verdict, tmp_path / "outcome")
    with pytest.raises(DataError, match="validate_data did not pass: a is odd; b is odd"):
        gate(tmp_path / "outcome")


def test_an_absent_outcome_stops_the_run(tmp_path: Path):
    with pytest.raises(DataError, match="not a readable outcome"):
        gate(tmp_path)
