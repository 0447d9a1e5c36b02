"""Which settings of pods mean nothing on this machine. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

VARIABLES = {
    "secretAsEnv": "Secrets",
    "configMapAsEnv": "ConfigMaps",
    "fieldPathAsEnv": "fields of the pod",
}


def remark(documents: list[Any]) -> str:
    """Return one line about the settings of a compiled pipeline that are left out here, or "".

    A step's environment, its image and whether it is reused count here as in a pod; what Secrets
    and ConfigMaps would give it comes from this shell's environment.
    """
    said = sorted({name for document in documents for name in _settings(document)})
    if not said:
        return ""
    return f"not applied on this machine: {', '.join(said)}; variables come from this shell"


def _settings(document: Any) -> Iterator[str]:
    for holder in _mappings(document):
        if "retryPolicy" in holder:
            yield "retryPolicy"
        if "image" in holder and holder.get("resources"):
            yield "resources"
        platforms = holder.get("platforms")
        if isinstance(platforms, Mapping):
            for executor in _executors(platforms):
                for name in executor:
                    yield f"variables from {VARIABLES[name]}" if name in VARIABLES else str(name)


def _executors(platforms: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for mapping in _mappings(platforms):
        executors = mapping.get("executors")
        if isinstance(executors, Mapping):
            yield from (one for one in executors.values() if isinstance(one, Mapping))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _mappings(inner)
