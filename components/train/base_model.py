"""Finds the SavedModel that a training starts from: the one of a release."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.artifacts import release
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files

SAVED_MODEL = "saved_model.pb"


def _newest(model: Path, uri: str) -> Path:
    """Return the SavedModel below `model` with the highest number, as TF Serving chooses."""
    models = [
        path.parent for path in model.glob(f"*/{SAVED_MODEL}") if path.parent.name.isdecimal()
    ]
    if not models:
        raise DataError(
            f"base_model={shown(uri)}: no {release.MODEL}/<integer>/{SAVED_MODEL} in it; "
            "give the URI of a release, as resolve_deployed returns it"
        )
    return max(models, key=lambda path: int(path.name))


@contextmanager
def opened(uri: str) -> Iterator[Path | None]:
    """Yield the local folder of a release's SavedModel for the time of the block.

    Args:
        uri: of a release (see `kanaria.components.shared.artifacts.release`), or "" to start anew.

    Yields:
        The folder that holds `saved_model.pb`, which TFX too hands to run_fn; None for "".

    Raises:
        DataError: there is no release with a SavedModel at the URI.
        NotReadyError: its store does not answer.
    """
    if not uri:
        yield None
        return
    model = uri_files.join(uri, release.MODEL)
    with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
        there = uri_files.exists(model)
        yield _newest(uri_files.fetched(model, Path(scratch)) if there else Path(scratch), uri)
