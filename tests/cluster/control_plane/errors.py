"""The one error of the control plane: a line that says what is wrong and what to do."""


class ControlPlaneError(Exception):
    """The control plane cannot be built, started or used."""
