"""The work of require_passed."""

from pathlib import Path

from kanaria.components.shared import outcome
from kanaria.components.shared.errors import DataError


def require_passed(folder: Path) -> None:
    """Raise unless the outcome in `folder` passed.

    Raises:
        DataError: the outcome did not pass, with every reason; or it cannot be read.
    """
    found = outcome.read(folder)
    if not found.passed:
        raise DataError(found.summary())
