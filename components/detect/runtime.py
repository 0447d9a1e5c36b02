"""What this runtime lacks of what detectors load when they compute."""

from collections.abc import Iterator
from contextlib import contextmanager

from kanaria.components.shared.errors import ParameterError, shown


@contextmanager
def libraries_of(detector: str) -> Iterator[None]:
    """Say which library a detector misses.

    Raises:
        ParameterError: the block loads a library that is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ParameterError(
            f"detector={shown(detector)}: it needs {error.name}, which the training image lacks; "
            "use table, or let a watch of the drift server test it, whose image has it"
        ) from error
