"""Which extra of the package a command needs, told to whom installed it without."""

from kanaria.components.shared.errors import NotReadyError

OWN = "kanaria"


def missing(error: ModuleNotFoundError, extra: str) -> NotReadyError:
    """Return the one line that says what to install.

    Args:
        error: of an import that a command made.
        extra: the extra of the package that holds what the command imports.

    Raises:
        ModuleNotFoundError: the module is one of Kanaria's own, so the installation is broken.
    """
    name = (error.name or "").partition(".")[0]
    if name in ("", OWN):
        raise error
    return NotReadyError(
        f"no module {name!r} here: this command needs the extra {extra!r}; "
        f"pip install '{OWN}[{extra}]'"
    )
