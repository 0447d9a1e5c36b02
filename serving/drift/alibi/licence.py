"""The licence of alibi-detect, which forbids most production use since 0.11.5.

It is the Business Source License 1.1: who runs it in production needs a licence of Seldon's, unless
it is for a non-profit educational institution. So nobody runs it here without saying that they may.
"""

import functools
import os
import re
import sys
from importlib import metadata

from kanaria.components.shared.errors import ParameterError

FIRST_BSL = (0, 11, 5)
NOTICE = (
    "alibi-detect {version} is under the Business Source License 1.1: production use needs a "
    "commercial licence of Seldon Technologies, but for non-profit educational institutions. "
    "Its terms are in the LICENSE file of the package.\n"
)


def require(*, accept_bsl: bool) -> None:
    """Let alibi-detect be imported, and say once a process under which licence.

    Raises:
        ParameterError: it is not installed, or is under the BSL and that was not accepted.
    """
    try:
        version = metadata.version("alibi-detect")
    except metadata.PackageNotFoundError as error:
        raise ParameterError(
            "alibi-detect is not installed; install the extra 'alibi' of kanaria in an environment "
            "of its own, or use the detectors of kanaria.serving.drift"
        ) from error
    if not is_bsl(version):
        return
    if not accept_bsl:
        raise ParameterError(
            f"accept_bsl=False: alibi-detect {version} is under the Business Source License 1.1; "
            "say accept_bsl=True if your use is allowed, or install 0.11.4"
        )
    # Its models are of the old Keras, which TensorFlow looks for when it is imported.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    _say(version)


def is_bsl(version: str) -> bool:
    """Whether a version of alibi-detect is under the BSL."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3]) >= FIRST_BSL


@functools.cache
def _say(version: str) -> None:
    sys.stderr.write(NOTICE.format(version=version))
    sys.stderr.flush()
