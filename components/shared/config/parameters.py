"""Collects every fault of a step's parameters, so that one run shows them all."""

from kanaria.components.shared.errors import ParameterError, shown


class Faults:
    """The faults of one call, gathered before any work is done.

    Example:
        faults = Faults("push_model")
        faults.check(0 <= percent <= 100, "canary_percent", percent, "use 0 to 100")
        faults.raise_if_any()
    """

    def __init__(self, where: str) -> None:
        """Start an empty list of faults for the step or file named `where`."""
        self._where = where
        self._faults: list[str] = []

    def check(self, holds: bool, name: str, value: object, remedy: str) -> None:
        """Record that parameter `name` has the wrong `value` unless `holds`."""
        if not holds:
            self._faults.append(f"{name}={shown(value)}: {remedy}")

    def add(self, fault: str) -> None:
        """Record a fault already written out as text."""
        self._faults.append(fault)

    def raise_if_any(self) -> None:
        """Raise one ParameterError naming all recorded faults, if there are any."""
        if self._faults:
            raise ParameterError(f"{self._where}: " + "; ".join(self._faults))
