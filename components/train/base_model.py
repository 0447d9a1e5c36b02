"""Finds the model that a training starts from: the one of a release."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.artifacts import release, verified_release, verify_keys
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks import model_files


def _newest(model: Path | None, uri: str) -> Path:
    """Return the folder of the newest model below `model`, as its server chooses."""
    try:
        if model is None:
            raise DataError("there is none")
        return model_files.locate(model).folder
    except DataError as error:
        raise DataError(
            f"base_model={shown(uri)}: no {release.MODEL} that can be trained on in it ({error}); "
            "give the URI of a release, as resolve_deployed returns it"
        ) from error


@contextmanager
def opened(uri: str, verify_key: str = "") -> Iterator[Path | None]:
    """Yield the local folder of a release's model for the time of the block.

    Args:
        uri: of a release (see `kanaria.components.shared.artifacts.release`), or "" to start anew.
        verify_key: PEM of the key that it must be signed for; "" for that of the environment.

    Yields:
        The folder that holds `saved_model.pb`, which TFX too hands to run_fn, or of another
        framework the model's file; None for "".

    Raises:
        DataError: there is no release with a model at the URI, or it is not the signed one.
        NotReadyError: its store does not answer.
    """
    if not uri:
        yield None
        return
    keys = verify_keys.of_step(verify_key, "train_model")
    with verified_release.opened(uri, release.MODEL, keys) as model:
        yield _newest(model, uri)
