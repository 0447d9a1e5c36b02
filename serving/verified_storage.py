"""Kanaria's storage initializer for KServe: copies a release's model into a pod, verified.

    python -m kanaria.serving.verified_storage SOURCE TARGET [SOURCE TARGET ...]

KServe calls it as it calls its own, where a ClusterStorageContainer names it. KANARIA_VERIFY_KEY
says which key a release must be signed for; without one nothing is copied.
"""

import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from kanaria.components.shared.artifacts import release, verified_release, verify_keys
from kanaria.components.shared.command_line import code_of
from kanaria.components.shared.errors import DataError, ParameterError, shown

logger = logging.getLogger(__name__)


def copy(source: str, target: Path) -> None:
    """Copy what lies in a release's model into a folder, as it was signed.

    Args:
        source: URI of the model, as an InferenceService's storageUri says it.
        target: folder of the pod's own.

    Raises:
        ParameterError: no key is named, or it cannot be used.
        DataError: there is no such model, or it is not the signed one.
        NotReadyError: the store does not answer.
    """
    keys = verify_keys.of_environment()
    if keys is None:
        raise ParameterError(f"{verify_keys.VERIFY_KEY}: not set; name the public key of releases")
    part = source.rstrip("/").rpartition("/")[2]
    with verified_release.opened(release.of_model(source), part, keys) as model:
        if model is None:
            raise DataError(f"{source}: no model in this release; look at storageUri")
        shutil.copytree(model, target, dirs_exist_ok=True)
    logger.info("%s: as it was signed, copied to %s", source, target)


def main(arguments: Sequence[str]) -> int:
    """Copy each source into its target."""
    if not arguments or len(arguments) % 2:
        raise ParameterError(f"{shown(list(arguments))}: write SOURCE TARGET, in pairs")
    for source, target in zip(arguments[::2], arguments[1::2], strict=True):
        copy(source, Path(target))
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.exit(code_of(lambda: main(sys.argv[1:])))
