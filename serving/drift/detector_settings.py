"""What the settings of all detectors share: they are checked when they are made, all at once."""

from kanaria.components.shared.config.parameters import Faults


class Checked:
    """Base of a frozen dataclass of settings, which refuses values that promise nothing."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Refuse wrong settings.

        Raises:
            ParameterError: settings are wrong; all are named.
        """
        faults = Faults(type(self).__name__)
        self._check(faults)
        faults.raise_if_any()

    def _check(self, faults: Faults) -> None:
        """Add what is wrong; a subclass names itself in `super(Class, self)`, as slots need."""
        raise NotImplementedError
