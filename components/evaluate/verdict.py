"""Turns TFMA's verdict and the checked thresholds into the outcome."""

from collections.abc import Iterable

from kanaria.components.evaluate.thresholds import Check
from kanaria.components.shared.outcome import Outcome, Reason

STEP = "evaluate_model"


def decide(
    found: Iterable[Check],
    *,
    validation_ok: bool,
    counts: tuple[int, int],
    deployed: str,
    split: str,
    notes: Iterable[str] = (),
) -> Outcome:
    """Return the outcome: blessed only if TFMA passed every threshold and there was one.

    Args:
        found: every check.
        validation_ok: TFMA's verdict.
        counts: numbers of value and of change thresholds the user asked for.
        deployed: release the candidate was compared with; "" for none.
        split: evaluated split.
        notes: further notes.
    """
    found = list(found)
    reasons = [
        Reason(severity="ERROR", subject=c.subject, kind=c.kind, text=c.text, split=split)
        for c in found
        if not c.passed
    ]
    values, changes = counts
    if not values + changes:
        text = "the EvalConfig has no threshold, so the model cannot be blessed; add one"
        reasons.append(
            Reason(severity="ERROR", subject="eval_config", kind="no_threshold", text=text)
        )
    elif values and not found:
        text = "no threshold could be checked on any slice, so the model cannot be blessed"
        reasons.append(
            Reason(severity="ERROR", subject="eval_config", kind="not_checked", text=text)
        )
    elif not validation_ok and not reasons:
        text = "TFMA did not validate the model and named no threshold; see the evaluation"
        reasons.append(Reason(severity="ERROR", subject="tfma", kind="not_validated", text=text))
    remarks = list(notes)
    if not deployed:
        remarks.append(f"no deployed model: first run, {changes} change thresholds skipped")
    remarks += [check.text for check in found if check.passed][:100]
    limits: dict[str, list[object]] = {}
    for check in found:
        limits.setdefault(check.subject, []).append(check.bound)
    return Outcome(
        step=STEP,
        passed=not reasons,
        reasons=tuple(reasons),
        notes=tuple(remarks),
        thresholds=dict(limits),
    )
