"""The rows that explanations compare with, read from a release or from a file of a user's own."""

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


def form(uri: str, protocol: str) -> RowForm:
    """Return how the model at whose side the rows at a URI lie takes rows.

    A file of a user's own says nothing of it: then each row is an object.

    Args:
        uri: as `read` takes it.
        protocol: of the predictor, "v1" or "v2".

    Raises:
        DataError: the samples are damaged.
        ParameterError: the store refuses.
        NotReadyError: the store does not answer.
    """
    file = uri_files.join(uri, SIGNATURE)
    if uri.endswith(ENDING) or not uri_files.exists(file):
        return RowForm(protocol=protocol)
    try:
        said = signature_in(uri_files.read_text(file), file)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{file}: no signature ({shown(str(error))}); push it again") from error
    return RowForm(protocol=protocol, inputs=said.inputs, matrix=said.matrix)
