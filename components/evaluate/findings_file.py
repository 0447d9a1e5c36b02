"""What an evaluation found: values, thresholds and curves; kept beside TFMA's files as JSON.

A model is blessed from these alone where nothing is live, so nothing here loads TensorFlow.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.evaluate.curves import Curves
from kanaria.components.evaluate.plots import Buckets, Matrix
from kanaria.components.shared.artifacts import judged_metrics, metadata
from kanaria.components.shared.artifacts.judged_metrics import FILE, FORMAT, Check, Value
from kanaria.components.shared.artifacts.model_evaluation import (
    MOST_METRICS,
    Measured,
    ModelEvaluation,
)
from kanaria.components.shared.errors import DataError, shown

CANDIDATE, DEPLOYED = "candidate", "deployed"
"""Names of the two models in `Findings.curves`."""


MOST_DECIDING = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What TFMA found about a candidate, alone or beside the deployed model.

    Attributes:
        eval_config: SHA-256 of the EvalConfig's text.
        split: name of the evaluated split.
        row_count: number of evaluated rows.
        value_thresholds: how many value thresholds the user asked for.
        change_thresholds: how many change thresholds.
        validation_ok: TFMA's verdict over all thresholds and slices that could be judged.
        notes: what a reader must know of how it was computed.
        values: every scalar metric of every slice, the overall slice first.
        checks: every threshold on every slice it covers, failed ones first.
        curves: model -> what is drawn of it, of binary classifiers.
        matrices: model -> its confusion matrix, where TFMA was asked to plot one.
        buckets: model -> labels by prediction, where TFMA was asked to plot the calibration.
    """

    eval_config: str
    split: str
    row_count: int
    value_thresholds: int
    change_thresholds: int
    validation_ok: bool
    notes: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    checks: tuple[Check, ...] = ()
    curves: Mapping[str, Curves] = field(default_factory=dict)
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    buckets: Mapping[str, Buckets] = field(default_factory=dict)

    def overall(self) -> dict[str, Any]:
        """Return metric -> value over all rows; the deployed model's begin with `baseline_`."""
        overall = [value for value in self.values if not value.slice]
        of_candidate = {value.metric: value.candidate for value in overall}
        return {**of_candidate, **{f"baseline_{value.metric}": value.baseline for value in overall}}

    def evaluation(self, against: str) -> ModelEvaluation:
        """Return the metrics over all rows as a release keeps them, those with thresholds first.

        Args:
            against: URI of the live release, "" for none.
        """
        judged = {check.value.metric for check in self.checks}
        overall = [
            value for value in self.values if not value.slice and _is_finite(value.candidate)
        ]
        overall.sort(key=lambda value: value.metric not in judged)
        return ModelEvaluation(
            split=self.split,
            rows=self.row_count,
            against=against,
            metrics={value.metric: _measured(value) for value in overall[:MOST_METRICS]},
        )

    def deciding(self) -> list[dict[str, Any]]:
        """Return what the verdict hangs on: broken thresholds, else those over all rows."""
        broken = [check for check in self.checks if not check.passed]
        overall = [check for check in self.checks if not check.value.slice]
        return [check.as_page_row() for check in (broken or overall or self.checks)[:MOST_DECIDING]]

    def metadata(self, step: str, deployed: str = "") -> dict[str, dict[str, Any]]:
        """Return output -> its artifact's metadata; metrics are whole, since KFP draws them."""
        main = self.main_metric()
        facts = {"rows": self.row_count, "split": self.split, "deployed": deployed}
        overall = metadata.plain(self.overall())
        return {
            "metrics": {metadata.DISPLAY_NAME: metadata.named("metrics", main), **overall},
            "evaluation": metadata.described(
                "evaluation", facts, main, metadata.rows(self.row_count)
            ),
            "outcome": {"deciding": metadata.plain(self.deciding())},
            "comparison": metadata.described("comparison", facts, main),
            "report": metadata.described("report", {}, step, main),
        }

    def main_metric(self) -> str:
        """Return one metric over all rows as text, first of all one with a threshold; or ""."""
        judged = {check.value.metric for check in self.checks}
        ranked = [
            (value.metric not in judged, f"{value.metric} {value.candidate:.4g}")
            for value in self.values
            if not value.slice and value.candidate is not None
            if "example_count" not in value.metric
        ]
        return min(ranked, key=lambda one: one[0])[1] if ranked else ""


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _measured(value: Value) -> Measured:
    low, high = value.candidate_interval or (None, None)
    has_bounds = _is_finite(low) and _is_finite(high)
    return Measured(
        value=value.candidate or 0.0,
        low=low if has_bounds else None,
        high=high if has_bounds else None,
    )


def _strict(value: Any) -> Any:
    """Return JSON data without NaN and infinities, which become their names."""
    if isinstance(value, dict):
        return {key: _strict(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def write(findings: Findings, folder: Path) -> None:
    """Write `findings.json` into a folder; the same findings give the same bytes."""
    document = FORMAT.numbered(_strict(asdict(findings)))
    (folder / FILE).write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")


def read(folder: Path) -> Findings:
    """Read the findings of an evaluation artifact.

    Raises:
        DataError: there are none, or they do not parse; nothing may then be blessed.
    """
    path = folder / FILE
    try:
        raw = FORMAT.current(json.loads(path.read_text(encoding="utf-8")), str(path))
        findings = Findings(
            **{
                **raw,
                "notes": tuple(raw["notes"]),
                "values": tuple(judged_metrics.value_of(each) for each in raw["values"]),
                "checks": tuple(judged_metrics.check_of(each) for each in raw["checks"]),
                "curves": {name: Curves(**each) for name, each in raw["curves"].items()},
                "matrices": {name: Matrix(**each) for name, each in raw["matrices"].items()},
                "buckets": {name: Buckets(**each) for name, each in raw["buckets"].items()},
            }
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path}: no readable evaluation ({shown(error)}); give what evaluate_model wrote"
        ) from error
    verdicts = [findings.validation_ok, *(check.passed for check in findings.checks)]
    if not all(isinstance(verdict, bool) for verdict in verdicts):
        raise DataError(f"{path}: a verdict is not a boolean; run evaluate_model again")
    return findings
