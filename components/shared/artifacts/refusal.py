"""A step that fails on what it found, with its outputs kept.

KFP uploads no output of a failed step. What a reader of the red run looks for is therefore put
where KFP would have put it, beside the step's log, so that an exit handler finds it there.
"""

import logging
from pathlib import Path
from typing import Protocol

from kanaria.components.shared.artifacts import outcome as outcomes
from kanaria.components.shared.errors import DataError, KanariaError
from kanaria.components.shared.storage import uri_files

log = logging.getLogger(__name__)


class Artifact(Protocol):
    """An output artifact as kfp hands it to a step."""

    uri: str
    path: str


def _keep(artifact: Artifact) -> None:
    """Copy an output to its URI; on one machine it lies there already."""
    path = Path(artifact.path)
    if not uri_files.is_remote(artifact.uri) or not path.exists():
        return
    files = sorted(file for file in path.rglob("*") if file.is_file())
    last = str(files[-1].relative_to(path)) if files else ""
    try:
        uri_files.publish(path, artifact.uri, last)
    except KanariaError as error:  # The step fails for the reasons it found, told in its log.
        log.warning("%s is not kept: %s", artifact.uri, error)


def unless_passed(outcome: Artifact, *others: Artifact) -> None:
    """Raise the reasons of an outcome that did not pass, once it and `others` are kept.

    Args:
        outcome: the outcome that the step has written.
        others: what else a reader of the reasons looks for, as a report; one that was not written
            is left out.

    Raises:
        DataError: the outcome did not pass, or cannot be read.
    """
    verdict = outcomes.read(outcome.path)
    if verdict.passed:
        return
    for artifact in (*others, outcome):
        _keep(artifact)
    raise DataError(verdict.summary())
