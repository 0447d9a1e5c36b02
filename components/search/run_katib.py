"""The work of run_katib_search."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.search import experiment_watch, katib_status
from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.tuning import search_plan, tuned_files
from kanaria.components.shared.tuning.search_result import Tuned
from kanaria.components.shared.tuning.tuned_files import Targets
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.cluster_choice import own_namespace


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRequest:
    """What Katib is to search.

    Attributes:
        experiment: artifact of plan_katib_search.
        namespace: of the trials, "" for that of the step.
        interval_seconds: between two looks, more than 0.
    """

    experiment: Path
    namespace: str = ""
    interval_seconds: float = 10


def run_search(request: SearchRequest, targets: Targets) -> Tuned:
    """Let Katib search, and write the best and all trials.

    Raises:
        ParameterError: a parameter is out of range, or Katib refuses the Experiment.
        DataError: there is no plan, or the Experiment is not of the plan.
        UserCodeError: the search failed, or no trial has a score.
        NotReadyError: there is no cluster, or no Katib in it.
        PermissionDeniedError: the account may not.
    """
    faults = Faults("run_katib_search")
    interval = request.interval_seconds
    faults.check(interval > 0, "interval_seconds", interval, "use more than 0 seconds")
    faults.raise_if_any()
    plan = search_plan.read(request.experiment)
    experiment: dict[str, Any] = yaml_text.read(request.experiment / search_plan.EXPERIMENT_FILE)
    namespace = request.namespace or own_namespace()
    client = KubernetesClient.connect()
    experiment_watch.create(client, namespace, experiment)
    name = experiment["metadata"]["name"]
    end = experiment_watch.ended(client, namespace, name, interval)
    tuned = katib_status.tuned(*end, plan)
    tuned_files.write(tuned, targets)
    return tuned
