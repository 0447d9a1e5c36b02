"""The rows that explanations compare with, read from a release or from a file of a user's own."""

from kanaria.components.shared.artifacts import verified_release
from kanaria.components.shared.artifacts.serving_samples import BACKGROUND, background_rows
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.serving.explainer.row_codes import Row

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
    if uri.endswith(ENDING):
        return _rows(uri_files.read_text(uri), uri)
    folder, _, part = uri.rstrip("/").rpartition("/")
    with verified_release.opened(folder, part) as samples:
        file = samples / BACKGROUND if samples else None
        if file is None or not file.is_file():
            return ()
        return _rows(uri_files.read_text(str(file)), uri_files.join(uri, BACKGROUND))


def _rows(text: str, name: str) -> tuple[Row, ...]:
    try:
        return background_rows(text)
    except ValueError as error:
        raise DataError(f"{name}: no rows of JSON ({shown(str(error))})") from error
