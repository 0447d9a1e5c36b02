"""Finds the model that a training starts from: the one of a release."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.artifacts import release
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks import model_files
from kanaria.components.shared.storage import uri_files


def _newest(model: Path, uri: str) -> Path:
    """Return the folder of the newest model below `model`, as its server chooses."""
    try:
        return model_files.locate(model).folder
    except DataError as error:
        raise DataError(
            f"base_model={shown(uri)}: no {release.MODEL} that can be trained on in it ({error}); "
            "give the URI of a release, as resolve_deployed returns it"
        ) from error


@contextmanager
def opened(uri: str) -> Iterator[Path | None]:
    """Yield the local folder of a release's model for the time of the block.

    Args:
        uri: of a release (see `kanaria.components.shared.artifacts.release`), or "" to start anew.

    Yields:
        The folder that holds `saved_model.pb`, which TFX too hands to run_fn, or of another
        framework the model's file; None for "".

    Raises:
        DataError: there is no release with a model at the URI.
        NotReadyError: its store does not answer.
    """
    if not uri:
        yield None
        return
    model = uri_files.join(uri, release.MODEL)
    with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
        there = uri_files.exists(model)
        yield _newest(uri_files.fetched(model, Path(scratch)) if there else Path(scratch), uri)
