"""What may be said of one step: a pod's words, and KFP's for what a pod has not. Pure.

Sources: Kubernetes 1.34, PodSpec and Container; kfp 2.17, PipelineTask and kfp.kubernetes.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from kanaria.components.shared.errors import shown
from kanaria.pipelines.resources import checks, credentials, quantities
from kanaria.serving.inference_service.quantity import amount

AMOUNTS = {"cpu": quantities.cpu, "memory": quantities.memory}
MOST_SECONDS = 10**9
MOST_RETRIES = 100
SELECTS = ("In", "NotIn")
COMPARES = ("Gt", "Lt")


def _written(value: object) -> object:
    """Take a number where Kubernetes takes one for a quantity."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Quantity = Annotated[str, BeforeValidator(_written)]
Memory = Annotated[Quantity, AfterValidator(quantities.memory)]
ObjectName = Annotated[str, AfterValidator(checks.object_name)]
VolumeName = Annotated[str, AfterValidator(checks.volume_name)]
Variable = Annotated[str, AfterValidator(checks.variable)]
DataKey = Annotated[str, AfterValidator(checks.data_key)]
LabelKey = Annotated[str, AfterValidator(checks.label_key)]
OwnKey = Annotated[str, AfterValidator(checks.own_key)]
LabelValue = Annotated[str, AfterValidator(checks.label_value)]
Wait = Annotated[str, AfterValidator(checks.wait)]


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
    )


def _amount(name: str, quantity: str) -> str:
    """Check an amount by what it is of; an accelerator is named as nvidia.com/gpu."""
    if name in AMOUNTS:
        return AMOUNTS[name](quantity)
    if "/" not in name:
        raise ValueError("KFP sets cpu, memory and an accelerator such as nvidia.com/gpu")
    checks.label_key(name)
    if not re.fullmatch("[0-9]{1,4}", quantity) or not int(quantity):
        raise ValueError("use a whole number from 1, as accelerators are not shared")
    return str(int(quantity))


def _amounts(found: dict[str, str]) -> dict[str, str]:
    result, faults = {}, []
    for name, quantity in found.items():
        try:
            result[name] = _amount(name, quantity)
        except ValueError as error:
            faults.append(f"{checks.called(name)}={shown(quantity, 80)}: {error}")
    accelerators = sorted(name for name in result if "/" in name)
    if len(accelerators) > 1:
        faults.append(f"KFP sets one accelerator, not {' and '.join(accelerators)}")
    if faults:
        raise ValueError("; ".join(faults))
    return result


Amounts = Annotated[dict[str, Quantity], AfterValidator(_amounts)]


class Container(_Part):
    """`resources` of a container."""

    requests: Amounts = {}
    limits: Amounts = {}

    @model_validator(mode="after")
    def _go_together(self) -> "Container":
        for name in sorted(self.requests.keys() & self.limits.keys()):
            low, high = (amount(said[name]) for said in (self.requests, self.limits))
            if low is None or high is None or low > high:
                told = f"{self.requests[name]!r} is above the limit, {self.limits[name]!r}"
                raise ValueError(f"requests.{name}: {told}")
            if "/" in name and low != high:
                raise ValueError(f"requests.{name}: an accelerator's request is its limit")
        return self


class Toleration(_Part):
    """A taint that the pod tolerates."""

    key: str = ""
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None

    @model_validator(mode="after")
    def _means_something(self) -> "Toleration":
        if self.key:
            checks.label_key(self.key)
        elif self.operator != "Exists":
            raise ValueError("name a key, or say operator: Exists for all taints")
        if self.operator == "Exists" and self.value:
            raise ValueError("leave out value: operator Exists takes any")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError("tolerationSeconds counts with effect: NoExecute alone")
        return self


class Requirement(_Part):
    """What a label of a node must be."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: list[str] = []

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


class NodeTerm(_Part):
    """Requirements that hold together."""

    match_expressions: list[Requirement] = []
    match_fields: list[Requirement] = []

    @model_validator(mode="after")
    def _asks_something(self) -> "NodeTerm":
        if not self.match_expressions and not self.match_fields:
            raise ValueError("name matchExpressions or matchFields; an empty term matches no node")
        return self


class Required(_Part):
    """Terms of which a node must meet one."""

    node_selector_terms: Annotated[list[NodeTerm], Field(min_length=1)]


class Preferred(_Part):
    """A term that makes a node better."""

    weight: Annotated[int, Field(ge=1, le=100)]
    preference: NodeTerm


class NodeAffinity(_Part):
    """Which nodes a pod wants."""

    required_during_scheduling_ignored_during_execution: Required | None = None
    preferred_during_scheduling_ignored_during_execution: list[Preferred] = []


class Affinity(_Part):
    """`affinity` of a pod, as far as KFP has it."""

    node_affinity: NodeAffinity


class KeyReference(_Part):
    """A key of a Secret or ConfigMap."""

    name: ObjectName
    key: DataKey
    optional: bool = False


class FieldReference(_Part):
    """A field of the pod itself."""

    field_path: Annotated[str, Field(pattern=r"^(metadata|spec|status)\.[A-Za-z0-9_.\-/\[\]']+$")]


class ValueFrom(_Part):
    """Where a variable's value comes from."""

    secret_key_ref: KeyReference | None = None
    config_map_key_ref: KeyReference | None = None
    field_ref: FieldReference | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "ValueFrom":
        if len(self.model_fields_set) != 1:
            raise ValueError("name one of secretKeyRef, configMapKeyRef and fieldRef")
        return self


class EnvironmentVariable(_Part):
    """A variable of the step's environment."""

    name: Variable
    value: str | None = None
    value_from: ValueFrom | None = None

    @model_validator(mode="after")
    def _has_a_value(self) -> "EnvironmentVariable":
        if (self.value is None) == (self.value_from is None):
            raise ValueError("give either value or valueFrom")
        if self.value is not None and credentials.is_secret(self.name):
            raise ValueError(
                "it looks like a secret: take it from a Secret by valueFrom.secretKeyRef"
            )
        return self


class Reference(_Part):
    """A Secret or ConfigMap."""

    name: ObjectName
    optional: bool = False


class EnvironmentSource(_Part):
    """A Secret or ConfigMap whose keys become variables; `keys` is Kanaria's own word."""

    prefix: str = ""
    secret_ref: Reference | None = None
    config_map_ref: Reference | None = None
    keys: list[DataKey] | None = None

    @field_validator("prefix")
    @classmethod
    def _begins_a_name(cls, prefix: str) -> str:
        return checks.variable(prefix) if prefix else prefix

    @model_validator(mode="after")
    def _is_one(self) -> "EnvironmentSource":
        if (self.secret_ref is None) == (self.config_map_ref is None):
            raise ValueError("name one of secretRef and configMapRef")
        if self.keys == []:
            raise ValueError("name keys, or leave it out for the variables that the steps read")
        for name in self.variables.values():
            checks.variable(name)
        return self

    @property
    def variables(self) -> dict[str, str]:
        """Key -> variable, of what is taken."""
        if self.keys is None:
            return credentials.taken(self.prefix)
        return {key: f"{self.prefix}{key}" for key in self.keys}

    @property
    def precision(self) -> tuple[bool, int]:
        """How exactly it says what it gives; the more exact one of two gives a variable."""
        return self.keys is not None, len(self.prefix)

    @property
    def reference(self) -> Reference:
        """The Secret or ConfigMap."""
        return self.secret_ref or self.config_map_ref or Reference(name="")


class Claim(_Part):
    """A PersistentVolumeClaim."""

    claim_name: VolumeName


class SecretVolume(_Part):
    """A Secret as files."""

    secret_name: VolumeName
    optional: bool = False


class ConfigMapVolume(_Part):
    """A ConfigMap as files."""

    name: VolumeName
    optional: bool = False


class EmptyDir(_Part):
    """A folder that lives as long as the pod; in memory with medium: Memory."""

    medium: Literal["", "Memory"] = ""
    size_limit: Memory | None = None


class Volume(_Part):
    """A volume together with where it is mounted."""

    mount_path: Annotated[str, AfterValidator(checks.mount_path)]
    sub_path: Annotated[str, AfterValidator(checks.sub_path)] | None = None
    persistent_volume_claim: Claim | None = None
    secret: SecretVolume | None = None
    config_map: ConfigMapVolume | None = None
    empty_dir: EmptyDir | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Volume":
        kinds = (self.persistent_volume_claim, self.secret, self.config_map, self.empty_dir)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("name one of persistentVolumeClaim, secret, configMap and emptyDir")
        if self.sub_path is not None and self.persistent_volume_claim is None:
            raise ValueError("KFP takes subPath for a persistentVolumeClaim alone")
        return self

    @property
    def name(self) -> str:
        """Name that the volume gets in the pod; KFP takes that of what is mounted."""
        if self.persistent_volume_claim:
            return self.persistent_volume_claim.claim_name
        if self.secret:
            return self.secret.secret_name
        return self.config_map.name if self.config_map else checks.folder_name(self.mount_path)


class RetryPolicy(_Part):
    """How often a step that failed is tried again, and how long KFP waits before."""

    max_retry_count: Annotated[int, Field(ge=0, le=MOST_RETRIES)]
    backoff_duration: Wait | None = None
    backoff_factor: Annotated[float, Field(ge=1, le=100)] | None = None
    backoff_max_duration: Wait | None = None


class CachingOptions(_Part):
    """Whether a step's result is reused."""

    enable_cache: bool


class PullSecret(_Part):
    """A Secret with a registry's credentials."""

    name: ObjectName


class Settings(_Part):
    """What is said of one step; what is left out stays as the pipeline has it."""

    resources: Container | None = None
    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: list[Toleration] = []
    affinity: Affinity | None = None
    labels: dict[OwnKey, LabelValue] = {}
    annotations: dict[OwnKey, str] = {}
    image: Annotated[str, AfterValidator(checks.image)] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: list[PullSecret] = []
    env: list[EnvironmentVariable] = []
    env_from: list[EnvironmentSource] = []
    volumes: list[Volume] = []
    active_deadline_seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS)] | None = None
    retry_policy: RetryPolicy | None = None
    caching_options: CachingOptions | None = None

    @field_validator("env", "volumes", "env_from")
    @classmethod
    def _are_different(cls, found: list[Any], info: ValidationInfo) -> list[Any]:
        for told, names in _names(found, info.field_name or ""):
            twice = sorted({name for kind, name in names if names.count((kind, name)) > 1})
            if twice:
                raise ValueError(f"{told} {', '.join(twice)}")
        return found

    @property
    def taken(self) -> list[tuple[EnvironmentSource, dict[str, str]]]:
        """Each source with what it gives, key -> variable; every variable comes from one place.

        As in a pod, `env` goes over `envFrom`.
        """
        free = {name for one in self.env_from for name in one.variables.values()}
        free -= {one.name for one in self.env}
        given: dict[int, dict[str, str]] = {}
        for place, one in sorted(enumerate(self.env_from), key=lambda item: item[1].precision)[
            ::-1
        ]:
            given[place] = {key: name for key, name in one.variables.items() if name in free}
            free -= set(one.variables.values())
        return [(one, given[place]) for place, one in enumerate(self.env_from) if given[place]]


def _names(found: list[Any], field: str) -> list[tuple[str, list[tuple[Any, str]]]]:
    """Return what may not come twice, and how to say that it does."""
    if field == "env":
        return [("a variable is given twice:", [(None, one.name) for one in found])]
    if field == "env_from":
        names = [(one.precision, name) for one in found for name in one.variables.values()]
        return [("name keys, or another prefix: two would give", names)]
    return [
        ("two volumes are mounted at", [(None, one.mount_path) for one in found]),
        (
            "KFP names a pod's volume after what it holds, so mount once:",
            [(None, one.name) for one in found],
        ),
    ]
