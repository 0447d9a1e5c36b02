"""The rows that explanations compare with, read from a release or from a file of a user's own."""

from kanaria.components.shared.artifacts.serving_samples import BACKGROUND, background_rows
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.serving.explainer.row_codes import Row

ENDING = ".jsonl"


def read(uri: str) -> tuple[Row, ...]:
    """Return the rows at a URI: a file with one JSON row a line, or serving samples with it.

    Serving samples without one, of an older release, give none.

    Args:
        uri: path, s3://, minio:// or gs://.

    Raises:
        DataError: it is damaged, or a file that is not there.
        ParameterError: the store refuses.
        NotReadyError: the store does not answer.
    """
    own = uri.endswith(ENDING)
    file = uri if own else uri_files.join(uri, BACKGROUND)
    if not own and not uri_files.exists(file):
        return ()
    try:
        return background_rows(uri_files.read_text(file))
    except ValueError as error:
        raise DataError(f"{file}: no rows of JSON ({shown(str(error))})") from error
