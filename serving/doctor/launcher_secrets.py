"""Which Secrets KFP's launcher reads, by its ConfigMap `kfp-launcher`. Pure.

Source: KFP 2.17.0, backend/src/v2/config. A provider (`minio`, `s3`) has a `default` and
`overrides`, each with `credentials`: from the environment of the pods, or from a Secret. Without a
provider of its own `minio://` leads to KFP's own store.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError, shown

OWN_SCHEME = "minio://"
OWN_ROOT = f"{OWN_SCHEME}mlpipeline/v2/artifacts"
Secret = tuple[str, tuple[str, ...]]
"""Name of a Secret, and the keys that are read from it."""
OWN_SECRET: Secret = ("mlpipeline-minio-artifact", ("accesskey", "secretkey"))
SCHEMES = ("minio", "s3")
KEYS = ("accessKeyKey", "secretKeyKey")


def root(data: Mapping[str, str]) -> str:
    """Return the pipeline root of runs that name none."""
    return data.get("defaultPipelineRoot") or OWN_ROOT


def secrets(data: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return the Secrets that a run's pods may need, each once.

    Args:
        data: of the ConfigMap; {} where there is none.

    Raises:
        ParameterError: the providers have not the form that KFP reads.
    """
    providers = _mapping("providers", yaml_text.parse(data.get("providers", ""), "providers"))
    names = [OWN_SECRET] if root(data).startswith(OWN_SCHEME) and not providers.get("minio") else []
    for scheme in SCHEMES:
        for where, entry in _entries(scheme, _mapping(scheme, providers.get(scheme))):
            names += _secret(f"{where}.credentials", entry.get("credentials"))
    return tuple(dict.fromkeys(names))


def _entries(scheme: str, provider: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not provider:
        return
    # Go reads the keys of JSON in any case; KFP calls these Overrides.
    overrides = provider.get("overrides") or provider.get("Overrides") or []
    yield f"{scheme}.default", _mapping(f"{scheme}.default", provider.get("default"))
    for index, override in enumerate(overrides if isinstance(overrides, list) else [overrides]):
        yield f"{scheme}.overrides[{index}]", _mapping(f"{scheme}.overrides[{index}]", override)


def _secret(where: str, value: Any) -> list[Secret]:
    credentials = _mapping(where, value)
    if credentials.get("fromEnv") is True:
        return []
    reference = _mapping(f"{where}.secretRef", credentials.get("secretRef"))
    names = [reference.get(key) for key in ("secretName", *KEYS)]
    if not all(name and isinstance(name, str) for name in names):
        raise ParameterError(
            f"{where}: write fromEnv: true, or a secretRef with secretName, {' and '.join(KEYS)}"
        )
    name, *keys = names
    return [(str(name), tuple(map(str, keys)))]


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ParameterError(f"{where}={shown(value)}: write a mapping")
    return value or {}
