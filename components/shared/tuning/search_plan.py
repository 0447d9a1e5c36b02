"""What Katib is asked to search, and what its answer means to KerasTuner. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.tuning.katib_parameter import Parameter

GROUP, VERSION = "kubeflow.org", "v1beta1"
EXPERIMENT_FILE, PLAN_FILE = "experiment.yaml", "search_plan.json"
"""In the artifact of plan_katib_search."""
FORMAT = DocumentFormat()
"""Of search_plan.json."""
Assignments = Sequence[Mapping[str, str]]
"""Katib's parameterAssignments: `{"name": ..., "value": ...}` each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPlan:
    """One search.

    Attributes:
        objective: metric that is looked at, e.g. "val_loss".
        direction: "min" or "max".
        parameters: what Katib varies.
        hyperparameters: `get_config` of KerasTuner's HyperParameters: `{"space", "values"}`, the
            values with what Katib does not vary.
    """

    objective: str
    direction: str
    parameters: tuple[Parameter, ...]
    hyperparameters: dict[str, Any]

    def values(self, assignments: Assignments) -> dict[str, Any]:
        """Return name -> value of all hyperparameters of a trial, each of its own type.

        Raises:
            DataError: the assignments are not those of this search.
        """
        texts = {one.get("name", ""): one.get("value", "") for one in assignments}
        names = {parameter.katib_name for parameter in self.parameters}
        if texts.keys() != names:
            raise DataError(
                f"katib: parameters {shown(sorted(texts))} were assigned, and those of the search "
                f"are {shown(sorted(names))}; was the Experiment changed?"
            )
        assigned = {one.name: one.value(texts[one.katib_name]) for one in self.parameters}
        return {**self.hyperparameters["values"], **assigned}

    def chosen(self, assignments: Assignments) -> dict[str, Any]:
        """Return KerasTuner's configuration of a trial, as tune_model gives that of its best.

        Raises:
            DataError: the assignments are not those of this search.
        """
        return {**self.hyperparameters, "values": self.values(assignments)}

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return FORMAT.numbered(asdict(self))

    @classmethod
    def of_json(cls, document: Mapping[str, Any], where: str) -> "SearchPlan":
        """Return what `as_json` gave.

        Raises:
            NewerFormatError: a newer Kanaria wrote it.
        """
        fields = FORMAT.current(dict(document), where)
        parameters = tuple(Parameter.of_json(one) for one in fields["parameters"])
        return cls(**{**fields, "parameters": parameters})


def as_text(plan: SearchPlan) -> str:
    """Return the text of search_plan.json."""
    return json.dumps(plan.as_json(), indent=1)


def read(folder: Path) -> SearchPlan:
    """Return the plan in an artifact of plan_katib_search.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    path = folder / PLAN_FILE
    try:
        return SearchPlan.of_json(json.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: no plan of plan_katib_search: {shown(str(error))}; hand over its experiment"
        ) from error
