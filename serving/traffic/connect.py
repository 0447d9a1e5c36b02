"""Chooses the way to deliver from the environment, as kubectl does."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.traffic.local import LocalTraffic
from kanaria.serving.traffic.protocol import Traffic

SERVING_ROOT = "KANARIA_SERVING_ROOT"
"""Environment variable that names the state folder of local serving."""


@contextmanager
def connect() -> Iterator[Traffic]:
    """Yield the Traffic of this environment.

    Raises:
        NotReadyError: the environment names none.
    """
    root = os.environ.get(SERVING_ROOT)
    if not root:
        raise NotReadyError(
            f"no way to deliver: {SERVING_ROOT} is not set; this version delivers to local "
            "serving only, so name its state folder there"
        )
    with closing(LocalTraffic(Path(root))) as traffic:
        yield traffic
