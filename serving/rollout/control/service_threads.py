"""Attends to all services of a namespace at once, in threads, so that none waits for another.

A look at one service may take as long as its platform and its source take to answer. WORKERS
services may be as slow as that before the next one has to wait. No service is looked at twice at a
time, so whatever belongs to one is used by one thread at a time.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Self

from kanaria.components.shared import json_log
from kanaria.components.shared.errors import KanariaError
from kanaria.serving.rollout.control.failures import Failures
from kanaria.serving.rollout.control.lease import Lease
from kanaria.serving.rollout.control.rollout_store import Stored

WORKERS = 32
"""A thread that waits for an answer costs some kB; more at once would burden the API server."""

Listener = Callable[[Stored], None]
LeaseOf = Callable[[str, str], Lease]


class ServiceThreads:
    """The threads, and the leases they hold; as a context it ends them and gives leases back."""

    def __init__(
        self,
        attend: Callable[[str, Lease], bool],
        lease_of: Callable[[str], Lease],
        failures: Failures,
    ) -> None:
        """Take what is done.

        Args:
            attend: looks at a service once; tells whether there is anything to do at it.
            lease_of: service -> its lease.
            failures: is told of what fails, and that it does not any more.
        """
        self._attend, self._lease_of, self._failures = attend, lease_of, failures
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="rollout")
        self._busy: dict[str, Future[None]] = {}
        self._leases: dict[str, Lease] = {}

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the looks that have begun, and give the leases back."""
        self._pool.shutdown(cancel_futures=True)
        for lease in self._leases.values():
            with suppress(KanariaError):  # It ends by itself then.
                lease.release()

    def begin(self, services: Iterable[str]) -> None:
        """Begin a look at each service at which none is under way."""
        for service in services:
            last = self._busy.get(service)
            if last is None or last.done():
                self._busy[service] = self._pool.submit(self._attend_once, service)

    def _look(self, service: str) -> None:
        lease = self._leases.get(service) or self._lease_of(service)
        self._leases[service] = lease
        if not self._attend(service, lease):
            del self._leases[service]
            lease.release()

    def _attend_once(self, service: str) -> None:
        try:
            with json_log.fields(service=service):
                self._look(service)
        # This is the outermost loop of the service: whatever fails here must not end the others.
        except Exception as error:  # noqa: BLE001
            self._failures.tell(service, error)
        else:
            self._failures.over(service)
