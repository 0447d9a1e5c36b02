"""What a detector's result means for a pipeline: its outcome. Pure."""

from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.serving.drift.detector import FeatureResult, Result

STEP = "detect_drift"


def judged(result: Result) -> Outcome:
    """Return the outcome: every feature that drifted is an error, one with too few rows a warning.

    Pure.
    """
    drifted = [feature for feature in result.features if feature.drifted]
    unsure = [feature for feature in result.features if not feature.drifted and not feature.enough]
    reasons = [_reason(feature, "ERROR", "drift") for feature in drifted]
    reasons += [_reason(feature, "WARNING", "not_enough_data") for feature in unsure]
    window, reference = result.window_rows, result.reference_rows
    least = max(feature.effect.least for feature in result.features)
    return Outcome(
        step=STEP,
        passed=not result.drifted,
        reasons=tuple(reasons),
        notes=(f"{result.detector}: {window} rows against {reference} of the reference",),
        thresholds={"alpha": result.threshold, "least_effect": least},
    )


def _reason(feature: FeatureResult, severity: str, kind: str) -> Reason:
    effect = feature.effect
    name = feature.feature or "all features"
    sentence = (
        f"{effect.name} {effect.value:.3f} ({effect.low:.3f} to {effect.high:.3f}), "
        f"{effect.least:g} matters; p-value {feature.p_value:.2g}, limit {feature.threshold:.2g}"
    )
    if kind == "not_enough_data":
        sentence += f"; too few rows ({feature.window_rows}) to exclude drift"
    return Reason(severity=severity, subject=name, kind=kind, text=f"{name}: {sentence}")
