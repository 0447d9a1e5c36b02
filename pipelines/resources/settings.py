"""What may be said of one step: a pod's words, and KFP's for what a pod has not. Pure.

Sources: Kubernetes 1.34, PodSpec and Container; kfp 2.17, PipelineTask and kfp.kubernetes.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from kanaria.pipelines.resources import kubernetes_names
from kanaria.pipelines.resources.compute_resources import Container
from kanaria.pipelines.resources.environment_variables import EnvironmentSource, EnvironmentVariable
from kanaria.pipelines.resources.nodes import Affinity, Toleration
from kanaria.pipelines.resources.settings_part import (
    LabelKey,
    LabelValue,
    ObjectName,
    OwnKey,
    Part,
    Wait,
)
from kanaria.pipelines.resources.volumes import Volume

MOST_SECONDS = 10**9
MOST_RETRIES = 100


class RetryPolicy(Part):
    """How often a step that failed is tried again, and how long KFP waits before."""

    max_retry_count: Annotated[int, Field(ge=0, le=MOST_RETRIES)]
    backoff_duration: Wait | None = None
    backoff_factor: Annotated[float, Field(ge=1, le=100)] | None = None
    backoff_max_duration: Wait | None = None


class CachingOptions(Part):
    """Whether a step's result is reused."""

    enable_cache: bool


class PullSecret(Part):
    """A Secret with a registry's credentials."""

    name: ObjectName


class Settings(Part):
    """What is said of one step; what is left out stays as the pipeline has it."""

    resources: Container | None = None
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    tolerations: list[Toleration] = Field(default_factory=list)
    affinity: Affinity | None = None
    labels: dict[OwnKey, LabelValue] = Field(default_factory=dict)
    annotations: dict[OwnKey, str] = Field(default_factory=dict)
    image: Annotated[str, AfterValidator(kubernetes_names.image)] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: list[PullSecret] = Field(default_factory=list)
    env: list[EnvironmentVariable] = Field(default_factory=list)
    env_from: list[EnvironmentSource] = Field(default_factory=list)
    volumes: list[Volume] = Field(default_factory=list)
    active_deadline_seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS)] | None = None
    retry_policy: RetryPolicy | None = None
    caching_options: CachingOptions | None = None

    @field_validator("env", "volumes", "env_from")
    @classmethod
    def _are_different(cls, items: list[Any], info: ValidationInfo) -> list[Any]:
        for complaint, names in _names(items, info.field_name or ""):
            twice = sorted({name for kind, name in names if names.count((kind, name)) > 1})
            if twice:
                raise ValueError(f"{complaint} {', '.join(twice)}")
        return items

    @property
    def variables_by_source(self) -> list[tuple[EnvironmentSource, dict[str, str]]]:
        """Each source with what it gives, key -> variable; every variable comes from one place.

        As in a pod, `env` goes over `envFrom`.
        """
        free = {name for one in self.env_from for name in one.variables.values()}
        free -= {one.name for one in self.env}
        variables_of: dict[int, dict[str, str]] = {}
        exact_first = sorted(
            enumerate(self.env_from), key=lambda item: item[1].precision, reverse=True
        )
        for place, one in exact_first:
            variables_of[place] = {key: name for key, name in one.variables.items() if name in free}
            free -= set(one.variables.values())
        return [
            (one, variables_of[place])
            for place, one in enumerate(self.env_from)
            if variables_of[place]
        ]


def _names(items: list[Any], field: str) -> list[tuple[str, list[tuple[Any, str]]]]:
    """Return what may not come twice, and how to say that it does."""
    if field == "env":
        return [("a variable is given twice:", [(None, one.name) for one in items])]
    if field == "env_from":
        names = [(one.precision, name) for one in items for name in one.variables.values()]
        return [("name keys, or another prefix: two would give", names)]
    return [
        ("two volumes are mounted at", [(None, one.mount_path) for one in items]),
        (
            "KFP names a pod's volume after what it holds, so mount once:",
            [(None, one.name) for one in items],
        ),
    ]
