"""The parameters of a submission: checked all at once, then local files published."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kanaria.components.shared import fingerprint, storage
from kanaria.components.shared.errors import shown
from kanaria.components.shared.parameters import Faults
from kanaria.pipelines import requirements
from kanaria.pipelines.local import arguments
from kanaria.pipelines.local.cache import FILE_SUFFIX
from kanaria.pipelines.local.plan import Plan
from kanaria.pipelines.submit.faults import attempt

MODEL_ROOT = "model_root"
PLACES = ("data", MODEL_ROOT, "serving_statistics")
"""Parameters that steps read or write in their pods."""
FILE_SCHEMES = ("", "file", "s3", "minio", "gs")
UNSEEN = (
    "pods see no path of this machine; copy it to a store (s3://, gs://, minio://), "
    "or give the absolute path of a volume that is mounted in them"
)


def _is_seen(value: str) -> bool:
    """Tell whether pods can find every part of a value; queries of databases have no parts."""
    parts = [part.strip() for part in value.split(",")]
    if urlsplit(parts[0]).scheme not in FILE_SCHEMES:
        return True
    return all("://" in part or part.startswith("/") for part in parts)


def _local_files(values: Mapping[str, Any]) -> dict[str, Path]:
    return {
        name: Path(value)
        for name, value in values.items()
        if str(name).endswith(FILE_SUFFIX) and isinstance(value, str) and Path(value).is_file()
    }


def checked(interface: Plan, given: Mapping[str, Any], pipeline_root: str) -> dict[str, Any]:
    """Return the given values, with `model_root` below the pipeline root unless it is given.

    Args:
        interface: the pipeline's name and parameters.
        given: parameter -> value.
        pipeline_root: URI of the folder of artifacts; "" for the server's own.

    Raises:
        ParameterError: values are wrong or missing, or out of the pods' sight; all at once.
    """
    faults = Faults("parameters")
    _, values = requirements.taken(given, interface.parameters)
    if MODEL_ROOT in interface.parameters and pipeline_root:
        values.setdefault(MODEL_ROOT, storage.join(pipeline_root, "models"))
    attempt(faults, arguments.checked, interface, values)
    for name in PLACES:
        value = values.get(name)
        if name in interface.parameters and isinstance(value, str) and value:
            faults.check(_is_seen(value), name, value, UNSEEN)
    if pipeline_root:
        faults.check(_is_seen(pipeline_root), "pipeline_root", pipeline_root, UNSEEN)
    elif files := _local_files(values):
        faults.add(
            f"pipeline_root is missing: {', '.join(sorted(files))} must be uploaded; "
            "give the URI of the folder of artifacts, for instance s3://bucket/artifacts"
        )
    faults.raise_if_any()
    return values


def published(values: Mapping[str, Any], pipeline_root: str) -> dict[str, Any]:
    """Upload each local file to `<pipeline_root>/files/<hash>/<name>`; return values naming them.

    The URI names the content, so a changed file is another value and steps that read it run anew.

    Raises:
        NotReadyError: the store does not answer.
    """
    uris = {}
    for name, path in _local_files(values).items():
        uri = storage.join(pipeline_root, "files", fingerprint.of_file(path)[:16], path.name)
        if not storage.exists(uri):
            storage.publish(path, uri)
        uris[name] = uri
    return {**values, **uris}


def inside_pods(values: Mapping[str, Any]) -> list[str]:
    """Return a remark for each value that is a path inside the pods."""
    return [
        f"{name}={shown(values[name])} is a path inside the pods: a volume must be mounted there"
        for name in PLACES
        if isinstance(values.get(name), str) and values[name].startswith("/")
    ]
