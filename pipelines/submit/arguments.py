"""A submitted run's arguments: what a pod can read, and the user's files beside the artifacts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kanaria.components.shared import database_reference, fingerprint, storage
from kanaria.components.shared.parameters import Faults
from kanaria.pipelines.local.cache import FILE_SUFFIX

FILES, MODELS = "files", "models"
DATA = ("data", "model_root", "serving_statistics")
"""Parameters that name places which a pod must reach."""
MOUNTED = ("/", "file:///")


def check(values: Mapping[str, Any], pipeline_root: str, faults: Faults) -> None:
    """Add what a pod could not read to `faults`: an absolute path is a mounted volume there."""
    for name in DATA:
        for part in str(values.get(name) or "").split(","):
            reachable = (
                not part
                or storage.is_remote(part)
                or database_reference.is_database(part)
                or part.startswith(MOUNTED)
            )
            remedy = "a pod cannot see it; give s3://, minio://, gs:// or a mounted /path"
            faults.check(reachable, name, part, remedy)
    if any(_is_local_file(name, value) for name, value in values.items()):
        rooted = storage.is_remote(pipeline_root) or pipeline_root.startswith(MOUNTED)
        remedy = "name the place of artifacts, where local files are uploaded too: s3://..."
        faults.check(rooted, "pipeline_root", pipeline_root, remedy)


def _is_local_file(name: str, value: object) -> bool:
    is_name = name.endswith(FILE_SUFFIX) and isinstance(value, str) and "://" not in value
    return is_name and Path(str(value)).is_file()


def with_uploaded_files(values: Mapping[str, Any], pipeline_root: str) -> dict[str, Any]:
    """Upload each local file named by a `*_file` parameter; its URI names its content.

    Args:
        values: parameter -> value.
        pipeline_root: URI below which `files/<hash>/<name>` comes to lie.

    Raises:
        NotReadyError: the store does not answer.
    """
    return {
        name: _uploaded(Path(value), pipeline_root) if _is_local_file(name, value) else value
        for name, value in values.items()
    }


def _uploaded(path: Path, pipeline_root: str) -> str:
    digest = fingerprint.of_file(path)[:16]
    uri = storage.join(pipeline_root, FILES, digest, path.name)
    if not storage.exists(uri):
        storage.publish(path, uri)
    return uri
