"""The Experiment that Katib is given. Pure.

Source: Katib 0.19, ExperimentSpec, and what its webhook refuses, in
pkg/webhook/v1beta1/experiment/validator.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.tuning.search_plan import GROUP, VERSION, SearchPlan
from kanaria.components.tune import katib_algorithms, trial_pod

TYPES = {"min": "minimize", "max": "maximize"}
NAME_DIGITS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSettings:
    """How Katib is to search.

    Attributes:
        algorithm: Katib's name of it.
        algorithm_settings: its settings.
        max_trials: most trials, 1 or more.
        parallel_trials: trials at once, 1 or more.
        max_failed_trials: failed trials that end the search, 1 or more.
        seed: of the algorithm, where it takes one.
        pod: what the trials' pods are, as `trial_pod.settings` gives it.
    """

    algorithm: str
    max_trials: int
    parallel_trials: int
    max_failed_trials: int
    seed: int
    algorithm_settings: Mapping[str, str] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)


def _algorithm(settings: SearchSettings) -> dict[str, Any]:
    is_seeded = settings.algorithm in katib_algorithms.SEEDED
    seed = {"random_state": str(settings.seed)} if is_seeded else {}
    entries = {**seed, **settings.algorithm_settings}
    named = [{"name": name, "value": value} for name, value in entries.items()]
    return {
        "algorithmName": settings.algorithm,
        **({"algorithmSettings": named} if named else {}),
    }


def _collector() -> dict[str, Any]:
    # A file: what a user's code prints may look like a score.
    path = {"path": trial_pod.METRICS_FILE, "kind": "File", "format": "JSON"}
    return {"collector": {"kind": "File"}, "source": {"fileSystemPath": path}}


def experiment(
    plan: SearchPlan, settings: SearchSettings, order: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the Experiment, named by all that decides how it ends.

    Args:
        plan: what is searched.
        settings: how.
        order: what a trial is to do, as plain JSON.
    """
    names = [parameter.katib_name for parameter in plan.parameters]
    most = settings.max_trials
    template = {
        "primaryContainerName": trial_pod.CONTAINER,
        "trialParameters": [{"name": name, "reference": name} for name in names],
        "trialSpec": trial_pod.job(dict(settings.pod), order, names),
    }
    spec = {
        "objective": {"type": TYPES[plan.direction], "objectiveMetricName": plan.objective},
        "algorithm": _algorithm(settings),
        "parallelTrialCount": min(settings.parallel_trials, most),
        "maxTrialCount": most,
        "maxFailedTrialCount": min(settings.max_failed_trials, most),
        "resumePolicy": "Never",
        "parameters": [
            {
                "name": one.katib_name,
                "parameterType": str(one.kind),
                "feasibleSpace": one.feasible_space(),
            }
            for one in plan.parameters
        ],
        "metricsCollectorSpec": _collector(),
        "trialTemplate": template,
    }
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Experiment",
        "metadata": {"name": f"kanaria-{digest[:NAME_DIGITS]}"},
        "spec": spec,
    }
