"""What is mounted in a step, and where."""

from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from kanaria.pipelines.resources import kubernetes_names
from kanaria.pipelines.resources.settings_part import Memory, Part, VolumeName


class Claim(Part):
    """A PersistentVolumeClaim."""

    claim_name: VolumeName


class SecretVolume(Part):
    """A Secret as files."""

    secret_name: VolumeName
    optional: bool = False


class ConfigMapVolume(Part):
    """A ConfigMap as files."""

    name: VolumeName
    optional: bool = False


class EmptyDir(Part):
    """A folder that lives as long as the pod; in memory with medium: Memory."""

    medium: Literal["", "Memory"] = ""
    size_limit: Memory | None = None


class Volume(Part):
    """A volume together with where it is mounted."""

    mount_path: Annotated[str, AfterValidator(kubernetes_names.mount_path)]
    sub_path: Annotated[str, AfterValidator(kubernetes_names.sub_path)] | None = None
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
        return (
            self.config_map.name
            if self.config_map
            else kubernetes_names.folder_name(self.mount_path)
        )
