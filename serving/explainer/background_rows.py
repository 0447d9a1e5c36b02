"""The rows that explanations compare with, read from a release or from a file of a user's own."""

from kanaria.components.shared.artifacts import verified_release
from kanaria.components.shared.artifacts.serving_samples import (
    BACKGROUND,
    SIGNATURE,
    background_rows,
    signature_in,
)
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.serving.explainer.row_codes import Row
from kanaria.serving.explainer.row_form import RowForm

ENDING = ".jsonl"


def read(uri: str) -> tuple[Row, ...]:
    """Return the rows at a URI: a user's file with one JSON row a line, or a release's samples.

    Serving samples without one, of an older release, give none. They are verified where
    KANARIA_VERIFY_KEY asks for it; a file of a user's own is none of a release.

    Args:
        uri: path, s3://, minio:// or gs://.

    Raises:
        DataError: it is damaged, or a file that is not there, or a release that is not signed.
        ParameterError: the store refuses.
        NotReadyError: the store does not answer.
    """
    own = uri.endswith(ENDING)
    text = uri_files.read_text(uri) if own else _sample(uri, BACKGROUND)
    if text is None:
        return ()
    try:
        return background_rows(text)
    except ValueError as error:
        file = uri if own else uri_files.join(uri, BACKGROUND)
        raise DataError(f"{file}: no rows of JSON ({shown(str(error))})") from error


def form(uri: str, protocol: str) -> RowForm:
    """Return how the model at whose side the rows at a URI lie takes rows.

    A file of a user's own says nothing of it: then each row is an object.

    Args:
        uri: as `read` takes it.
        protocol: of the predictor, "v1" or "v2".

    Raises:
        DataError: the samples are damaged, or of a release that is not signed and must be.
        ParameterError: the store refuses.
        NotReadyError: the store does not answer.
    """
    text = None if uri.endswith(ENDING) else _sample(uri, SIGNATURE)
    if text is None:
        return RowForm(protocol=protocol)
    file = uri_files.join(uri, SIGNATURE)
    try:
        said = signature_in(text, file)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{file}: no signature ({shown(str(error))}); push it again") from error
    return RowForm(protocol=protocol, inputs=said.inputs, matrix=said.matrix)


def _sample(uri: str, name: str) -> str | None:
    """Return what a file of a release's samples holds; None where there is none."""
    folder, _, part = uri.rstrip("/").rpartition("/")
    with verified_release.opened(folder, part) as samples:
        if samples is None or not (samples / name).is_file():
            return None
        return uri_files.read_text(str(samples / name))
