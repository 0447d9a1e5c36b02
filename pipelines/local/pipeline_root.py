"""Copies of a run's outputs at a URI, as KFP keeps them below its pipeline root."""

from dataclasses import replace
from pathlib import Path

from kanaria.components.shared.storage import uri_files
from kanaria.pipelines.local.step import Artifact


def copied(artifact: Artifact, folder: str) -> Artifact:
    """Return the artifact with its verified copy below `folder`, named as its file is.

    The copy that an earlier run made below the same root is kept while it is there.

    Args:
        artifact: an output of a finished task.
        folder: URI `<pipeline root>/<run>/<task>`.

    Raises:
        NotReadyError: the store does not take it.
    """
    path = Path(artifact.uri)
    root = folder.rsplit("/", 2)[0]
    is_copied = artifact.copy.startswith(f"{root}/") and uri_files.exists(artifact.copy)
    if is_copied or not path.exists():  # A Metrics artifact is metadata alone.
        return artifact
    target = uri_files.join(folder, path.name)
    files = sorted(str(f.relative_to(path)) for f in path.rglob("*") if f.is_file())
    uri_files.publish(path, target, last=files[-1] if files else "")
    return replace(artifact, copy=target)
