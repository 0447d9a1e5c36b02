"""Which nodes a step's pod wants, and which taints it tolerates."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kanaria.pipelines.resources import kubernetes_names
from kanaria.pipelines.resources.settings_part import LabelKey, Part

SELECTS = ("In", "NotIn")
COMPARES = ("Gt", "Lt")


class Toleration(Part):
    """A taint that the pod tolerates."""

    key: str = ""
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None

    @model_validator(mode="after")
    def _means_something(self) -> "Toleration":
        if self.key:
            kubernetes_names.label_key(self.key)
        elif self.operator != "Exists":
            raise ValueError("name a key, or say operator: Exists for all taints")
        if self.operator == "Exists" and self.value:
            raise ValueError("leave out value: operator Exists takes any")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError("tolerationSeconds counts with effect: NoExecute alone")
        return self


class Requirement(Part):
    """What a label of a node must be."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_its_values(self) -> "Requirement":
        count = len(self.values)
        if self.operator in SELECTS and not count:
            raise ValueError(f"operator {self.operator} needs values")
        is_number = count == 1 and self.values[0].lstrip("-").isdecimal()
        if self.operator in COMPARES and not is_number:
            raise ValueError(f"operator {self.operator} needs one value, a whole number as text")
        if self.operator not in (*SELECTS, *COMPARES) and count:
            raise ValueError(f"operator {self.operator} takes no values")
        return self


class NodeTerm(Part):
    """Requirements that hold together."""

    match_expressions: list[Requirement] = Field(default_factory=list)
    match_fields: list[Requirement] = Field(default_factory=list)

    @model_validator(mode="after")
    def _asks_something(self) -> "NodeTerm":
        if not self.match_expressions and not self.match_fields:
            raise ValueError("name matchExpressions or matchFields; an empty term matches no node")
        return self


class Required(Part):
    """Terms of which a node must meet one."""

    node_selector_terms: Annotated[list[NodeTerm], Field(min_length=1)]


class Preferred(Part):
    """A term that makes a node better."""

    weight: Annotated[int, Field(ge=1, le=100)]
    preference: NodeTerm


class NodeAffinity(Part):
    """Which nodes a pod wants."""

    required_during_scheduling_ignored_during_execution: Required | None = None
    preferred_during_scheduling_ignored_during_execution: list[Preferred] = Field(
        default_factory=list
    )


class Affinity(Part):
    """`affinity` of a pod, as far as KFP has it."""

    node_affinity: NodeAffinity
