"""The work of resolve_span: which data this run reads."""

from kanaria.components.shared import data_reference


def resolve_span(data: str) -> str:
    """Return `data` with patterns expanded and its content pinned.

    Raises:
        ParameterError: `data` names nothing.
        DataError: a file does not exist, or a pattern matches none.
    """
    return data_reference.pin(data)
