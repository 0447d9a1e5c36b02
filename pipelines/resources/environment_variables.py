"""A step's environment variables, and where their values come from."""

from typing import Annotated

from pydantic import AfterValidator, field_validator, model_validator

from kanaria.pipelines.resources import credentials, kubernetes_names
from kanaria.pipelines.resources.settings_part import DataKey, ObjectName, Part, Variable


class KeyReference(Part):
    """A key of a Secret or ConfigMap."""

    name: ObjectName
    key: DataKey
    optional: bool = False


class FieldReference(Part):
    """A field of the pod itself."""

    field_path: Annotated[str, AfterValidator(kubernetes_names.field_path)]


class ValueFrom(Part):
    """Where a variable's value comes from."""

    secret_key_ref: KeyReference | None = None
    config_map_key_ref: KeyReference | None = None
    field_ref: FieldReference | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "ValueFrom":
        if len(self.model_fields_set) != 1:
            raise ValueError("name one of secretKeyRef, configMapKeyRef and fieldRef")
        return self


class EnvironmentVariable(Part):
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


class Reference(Part):
    """A Secret or ConfigMap."""

    name: ObjectName
    optional: bool = False


class EnvironmentSource(Part):
    """A Secret or ConfigMap whose keys become variables; `keys` is Kanaria's own word."""

    prefix: str = ""
    secret_ref: Reference | None = None
    config_map_ref: Reference | None = None
    keys: list[DataKey] | None = None

    @field_validator("prefix")
    @classmethod
    def _begins_a_name(cls, prefix: str) -> str:
        return kubernetes_names.variable(prefix) if prefix else prefix

    @model_validator(mode="after")
    def _is_one(self) -> "EnvironmentSource":
        if (self.secret_ref is None) == (self.config_map_ref is None):
            raise ValueError("name one of secretRef and configMapRef")
        if self.keys == []:
            raise ValueError("name keys, or leave it out for the variables that the steps read")
        for name in self.variables.values():
            kubernetes_names.variable(name)
        return self

    @property
    def variables(self) -> dict[str, str]:
        """Key -> variable, of what is taken."""
        if self.keys is None:
            return credentials.variables_of(self.prefix)
        return {key: f"{self.prefix}{key}" for key in self.keys}

    @property
    def precision(self) -> tuple[bool, int]:
        """How exactly it says what it gives; the more exact one of two gives a variable."""
        return self.keys is not None, len(self.prefix)

    @property
    def reference(self) -> Reference:
        """The Secret or ConfigMap."""
        return self.secret_ref or self.config_map_ref or Reference(name="")
