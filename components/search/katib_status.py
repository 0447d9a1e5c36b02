"""What an Experiment's status and its Trials say. Pure.

Source: Katib 0.19, ExperimentStatus and TrialStatus in pkg/apis/controller.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.tuning.search_plan import SearchPlan
from kanaria.components.shared.tuning.search_result import COMPLETED, TrialResult, Tuned

FAILED = "FAILED"
ENDED = ("Succeeded", "Failed")
SCORED = ("Succeeded", "EarlyStopped")
"""Conditions of a Trial that has a score."""
COUNTS = ("trialsSucceeded", "trialsFailed", "trialsKilled", "trialsEarlyStopped")
Object = Mapping[str, Any]


def condition(thing: Object, *kinds: str) -> Object | None:
    """Return the newest condition of these kinds that is true, None where there is none."""
    conditions = thing.get("status", {}).get("conditions", [])
    true = [one for one in conditions if one["type"] in kinds and one["status"] == "True"]
    return true[-1] if true else None


def progress(experiment: Object) -> str:
    """Say how far a search is."""
    status = experiment.get("status", {})
    ended = sum(status.get(name, 0) for name in COUNTS)
    running = status.get("trialsRunning", 0) + status.get("trialsPending", 0)
    most = experiment["spec"].get("maxTrialCount")
    return f"{ended} of {most} trials ended, {running} under way"


def _score(trial: Object, plan: SearchPlan) -> float | None:
    """Return the objective of a trial, None where it has none."""
    metrics = trial.get("status", {}).get("observation", {}).get("metrics", [])
    texts = [one.get("latest", "") for one in metrics if one.get("name") == plan.objective]
    try:
        value = float(texts[0]) if texts else math.nan
    except ValueError:  # Katib's word for none is "unavailable".
        return None
    return value if math.isfinite(value) else None


def _result(trial: Object, plan: SearchPlan) -> TrialResult:
    score = _score(trial, plan) if condition(trial, *SCORED) else None
    last = condition(trial, "Failed", "Killed", "MetricsUnavailable", *SCORED) or {}
    return TrialResult(
        trial_id=trial["metadata"]["name"],
        status=FAILED if score is None else COMPLETED,
        score=score,
        step=None,
        metrics={} if score is None else {plan.objective: score},
        hyperparameters=plan.values(trial["spec"].get("parameterAssignments", [])),
        cause="" if score is not None else str(last.get("message", "it has no score")),
    )


def _age(trial: Object) -> tuple[str, str]:
    return trial["metadata"].get("creationTimestamp", ""), trial["metadata"]["name"]


def tuned(experiment: Object, trials: Sequence[Object], plan: SearchPlan) -> Tuned:
    """Return what a search ended with.

    Raises:
        UserCodeError: it failed, or no trial has a score.
        DataError: its parameters are not those of the plan.
    """
    name = experiment["metadata"]["name"]
    results = [_result(trial, plan) for trial in sorted(trials, key=_age)]
    causes = "; ".join(dict.fromkeys(one.cause for one in results if one.cause))
    remedy = f"see `kubectl get trials -l katib.kubeflow.org/experiment={name}`; to search anew, "
    remedy += f"`kubectl delete experiment {name}`"
    failed = condition(experiment, "Failed")
    if failed:
        message = failed.get("message", "")
        raise UserCodeError(f"katib: {name}: {message}: {causes or 'no cause told'}; {remedy}")
    optimal = experiment.get("status", {}).get("currentOptimalTrial", {})
    best_name = optimal.get("bestTrialName", "")
    best = next(
        (one for one in results if one.trial_id == best_name and one.score is not None), None
    )
    if best is None:
        raise UserCodeError(
            f"katib: {name}: none of {len(results)} trials has a score: {causes or 'none ran'}; "
            f"{remedy}"
        )
    return Tuned(
        objective=plan.objective,
        direction=plan.direction,
        trials=results,
        best=best,
        hyperparameters=plan.chosen(optimal["parameterAssignments"]),
    )
