"""Turns TFMA's verdict and the checked thresholds into the outcome. Pure."""

from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.shared.artifacts.outcome import Outcome, Reason

STEP = "bless_model"


def _unjudged(subject: str, kind: str, text: str) -> list[Reason]:
    return [Reason(severity="ERROR", subject=subject, kind=kind, text=text)]


def _reasons(findings: Findings) -> list[Reason]:
    reasons = [
        Reason(severity="ERROR", subject=c.subject, kind=c.kind, text=c.text, split=findings.split)
        for c in findings.checks
        if not c.passed
    ]
    if not findings.value_thresholds + findings.change_thresholds:
        text = "the EvalConfig has no threshold, so the model cannot be blessed; add one"
        return reasons + _unjudged("eval_config", "no_threshold", text)
    if findings.value_thresholds and not findings.checks:
        text = "no threshold could be checked on any slice, so the model cannot be blessed"
        return reasons + _unjudged("eval_config", "not_checked", text)
    if not findings.validation_ok and not reasons:
        text = "TFMA did not validate the model and named no threshold; see the evaluation"
        return _unjudged("tfma", "not_validated", text)
    return reasons


def decide(findings: Findings, deployed: str) -> Outcome:
    """Return the outcome: blessed only if TFMA passed every threshold and there was one.

    Args:
        findings: what TFMA found, beside the deployed model if there is one.
        deployed: release the candidate was compared with; "" for none.
    """
    reasons = _reasons(findings)
    notes = list(findings.notes)
    if not deployed:
        skipped = findings.change_thresholds
        thresholds = "change threshold" if skipped == 1 else "change thresholds"
        notes.append(f"no deployed model: first run, {skipped} {thresholds} skipped")
    notes += [check.text for check in findings.checks if check.passed][:100]
    limits: dict[str, list[object]] = {}
    for check in findings.checks:
        limits.setdefault(check.subject, []).append(check.bound)
    return Outcome(
        step=STEP,
        passed=not reasons,
        reasons=tuple(reasons),
        notes=tuple(notes),
        thresholds=dict(limits),
        evaluation=findings.evaluation(deployed),
    )
