"""What the ways have in common that set `canaryTrafficPercent` of one InferenceService."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from kanaria.serving.traffic.change_rules import require_percent, require_rollback, require_shift
from kanaria.serving.traffic.traffic_protocol import ServiceStatus


class CanaryPercentTraffic(ABC):
    """Shift, promotion and rollback, each as one percentage.

    Attributes:
        promoted_percent: what stands for all requests after a promotion; None leaves it out.
    """

    promoted_percent: ClassVar[int | None] = None

    def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
        """Give the newest revision `percent` of the requests, 0 to 100.

        Raises:
            ParameterError: there is no such service, or the percentage is out of range.
            NotReadyError: it is more than before, and the newest revision is not ready, so that
                an older one would get them; nothing is on trial; or nobody makes it come true.
            ConflictError: the service has changed in between, or a later revision than the one
                named is applied.
        """
        require_percent("shift", percent)
        require = partial(require_shift, percent=percent, revision=revision)
        self._set_percent(namespace, name, percent, require)

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the newest revision all requests and make it the stable one."""
        require = partial(require_shift, percent=100, revision=revision)
        self._set_percent(namespace, name, self.promoted_percent, require)

    def rollback(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the stable revision all requests; after a promotion, the one before it.

        Raises:
            NotReadyError: there is no revision to go back to.
            ConflictError: it is another one than `revision`; or the service has changed in between.
        """
        self._set_percent(namespace, name, 0, partial(require_rollback, revision=revision))

    @abstractmethod
    def _set_percent(
        self,
        namespace: str,
        name: str,
        percent: int | None,
        require: Callable[[str, ServiceStatus], None],
    ) -> None:
        """Write the percentage unless `require` refuses the status that the change rests on."""
