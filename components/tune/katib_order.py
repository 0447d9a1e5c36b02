"""What one trial in a pod is to do, as its environment carries it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.tuning.search_plan import SearchPlan
from kanaria.components.tune import trial_pod
from kanaria.components.tune.request import OF_TRAINING, TuneRequest

FORMAT = DocumentFormat()
INPUTS = ("examples", "transformed_examples", "schema", "transform_graph")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One trial.

    Attributes:
        fields: of a TuneRequest; the inputs are URIs.
        plan: what is searched.
        values: name -> value of every hyperparameter, and their space, as KerasTuner has them.
        metrics_file: where the score is to be written.
    """

    fields: dict[str, Any]
    plan: SearchPlan
    hyperparameters: dict[str, Any]
    metrics_file: str


def document(
    request: TuneRequest, uris: Mapping[str, str], plan: SearchPlan, code: str
) -> dict[str, Any]:
    """Return what all trials of a search have in common, as plain JSON.

    Args:
        request: what tune_model would be asked for.
        uris: name of an input -> where the trial finds it.
        plan: what is searched.
        code: fingerprint of the module; another code is another search.
    """
    fields = {name: getattr(request, name) for name in ("tuner_fn", *OF_TRAINING)}
    return FORMAT.numbered({"fields": {**fields, **uris}, "plan": plan.as_json(), "code": code})


def read(environ: Mapping[str, str]) -> Order:
    """Return the trial that a pod's environment is for.

    Raises:
        DataError: its assignments are not those of the search.
    """
    common = FORMAT.current(json.loads(environ[trial_pod.ORDER]), trial_pod.ORDER)
    plan = SearchPlan.of_json(common["plan"], trial_pod.ORDER)
    texts: dict[str, str] = json.loads(environ[trial_pod.ASSIGNED])
    assignments = [{"name": name, "value": value} for name, value in texts.items()]
    return Order(
        fields=common["fields"],
        plan=plan,
        hyperparameters=plan.chosen(assignments),
        metrics_file=environ[trial_pod.METRICS],
    )
