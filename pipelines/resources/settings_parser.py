"""Checks what is said of steps, and tells every fault by its place. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown
from kanaria.pipelines.resources.kubernetes_names import called
from kanaria.pipelines.resources.settings import Settings

HINTS = {
    "metadata": "write labels and annotations beside it, without metadata",
    "serviceAccountName": "a run has one account: --service-account",
    "serviceAccount": "a run has one account: --service-account",
    "volumeMounts": "write mountPath into the item of volumes",
    "gpu": "write resources: {limits: {nvidia.com/gpu: 1}}",
    "gpus": "write resources: {limits: {nvidia.com/gpu: 1}}",
    "accelerator": "write resources: {limits: {nvidia.com/gpu: 1}}",
    "cpu": "write resources: {requests: {cpu: 1}}",
    "memory": "write resources: {requests: {memory: 1Gi}}",
    "requests": "write it into resources",
    "limits": "write it into resources",
    "timeout": "write activeDeadlineSeconds",
    "retries": "write retryPolicy: {maxRetryCount: 2}",
    "retry": "write retryPolicy: {maxRetryCount: 2}",
    "cache": "write cachingOptions: {enableCache: false}",
    "enableCache": "write cachingOptions: {enableCache: false}",
    "shm": "write volumes: [{mountPath: /dev/shm, emptyDir: {medium: Memory, sizeLimit: 1Gi}}]",
    "podAffinity": "KFP sets no pod affinity, nodeAffinity alone",
    "podAntiAffinity": "KFP sets no pod affinity, nodeAffinity alone",
    "readOnly": "KFP mounts volumes to be written",
    "hostPath": "KFP mounts persistentVolumeClaim, secret, configMap and emptyDir",
    "nodeName": "write nodeSelector: {kubernetes.io/hostname: NAME}",
}
BEYOND_KFP = (
    "containers",
    "initContainers",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "topologySpreadConstraints",
    "hostNetwork",
    "hostAliases",
    "dnsPolicy",
    "dnsConfig",
    "resourceClaims",
    "terminationGracePeriodSeconds",
    "restartPolicy",
    "command",
    "args",
    "lifecycle",
)
SAID = {
    "string_type": "write text; put a number or true in quotes",
    "dict_type": "write a mapping",
    "model_type": "write a mapping",
    "list_type": "write a list",
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "bool_type": "write true or false, without quotes",
}


def without_nulls(value: Any) -> Any:
    """Leave out keys without a value, as Kubernetes does."""
    if isinstance(value, Mapping):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def checked(step: str, said: object, faults: Faults) -> dict[str, Any]:
    """Return what is said of a step without nulls; {} when it has faults, which `faults` gets."""
    settings = {} if said is None else without_nulls(said)
    if not isinstance(settings, Mapping):
        faults.check(False, called(step), said, "write a mapping of its settings")
        return {}
    try:
        Settings.model_validate(settings)
    except ValidationError as error:
        for fault in fault_texts(error):
            faults.add(f"{called(step)}: {fault}")
        return {}
    return dict(settings)


def fault_texts(error: ValidationError) -> list[str]:
    """Return every fault that pydantic found: its place, its value, the remedy.

    Values of variables are not shown: they may be secret.
    """
    return [_fault_text(fault) for fault in error.errors(include_url=False, include_context=False)]


def _fault_text(fault: Any) -> str:
    # pydantic ends the place of a wrong key so; a user's own key may be called the same.
    is_key = fault["loc"][-1:] == ("[key]",) and fault["type"] != "extra_forbidden"
    place = [called(str(part)) for part in fault["loc"][: -1 if is_key else None]]
    name = ".".join(place) or "it"
    if fault["type"] == "missing":
        return f"{name} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{name}: {_unknown(place)}"
    value = fault["input"]
    is_shown = not isinstance(value, Mapping | list) and place[:1] + place[2:] != ["env", "value"]
    named = f"{name}={shown(value)}" if is_shown else name
    message = fault["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return f"{named}: {SAID.get(fault['type'], message)}"


def _unknown(place: list[str]) -> str:
    name, fields = place[-1], _fields(place[:-1])
    if name in BEYOND_KFP:
        return "KFP cannot set it for a step"
    if name in HINTS:
        return HINTS[name]
    near = meant(name, fields)
    return f"not known{near}" if near else f"not known; there are {', '.join(fields)}"


def _fields(place: list[str]) -> list[str]:
    """Return the fields of the part of the settings at a place."""
    schema = Settings.model_json_schema(by_alias=True)
    part: Any = schema
    for step in place:
        part = _inner(part, step, schema["$defs"])
    return list(_resolved(part, schema["$defs"]).get("properties", {}))


def _inner(part: Any, step: str, defs: Mapping[str, Any]) -> Any:
    part = _resolved(part, defs)
    return part.get("items", {}) if step.isdecimal() else part.get("properties", {}).get(step, {})


def _resolved(part: Any, defs: Mapping[str, Any]) -> Any:
    """Return the schema behind a reference, and behind `X or null`."""
    options = [one for one in part.get("anyOf", []) if one.get("type") != "null"]
    part = options[0] if options else part
    return defs[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
