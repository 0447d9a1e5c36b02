"""Keeps two controllers apart: whoever holds a service's lease works on its rollout.

The lease saves work; that a rollout stays whole rests on compare-and-swap alone.
"""

import fcntl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from kanaria.components.shared import private
from kanaria.components.shared.errors import ConflictError
from kanaria.serving.kubernetes_client import LEASES, KubernetesClient, Object

SECONDS = 15


class Lease(Protocol):
    """One service's."""

    def hold(self) -> bool:
        """Take or renew the lease; False while another holds it."""

    def release(self) -> None:
        """Give the lease back, if it is held."""


class NoLease:
    """For what must not wait for another, such as a person's rollback; it is always held."""

    def hold(self) -> bool:
        """Return True."""
        return True

    def release(self) -> None:
        """Do nothing."""


class FileLease:
    """A lease on one machine; it ends with the process that holds it."""

    def __init__(self, path: Path) -> None:
        """Name the file that is locked."""
        self._path = path
        self._file: IO[str] | None = None

    def hold(self) -> bool:
        """Take or renew the lease; False while another process holds it."""
        if self._file is not None:
            return True
        private.folder(self._path.parent)
        file = private.opened(self._path, "a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lease back, if it is held."""
        if self._file is not None:
            self._file.close()
            self._file = None


class KubernetesLease:
    """A lease in a cluster (coordination.k8s.io/v1), renewed whenever it is asked for.

    A holder that has not renewed for SECONDS has lost it. That time is measured by our own clock
    from when we first saw its last renewal, so clocks need not agree (as in client-go's
    leaderelection).
    """

    def __init__(self, cluster: KubernetesClient, namespace: str, service: str, who: str) -> None:
        """Name the service, and the holder, which no other may be called."""
        self._cluster, self._namespace, self._who = cluster, namespace, who
        self._name = f"{service}-rollout"
        self._seen: tuple[str, float] = ("", 0.0)

    def hold(self) -> bool:
        """Take or renew the lease; False while another holds it."""
        found = self._cluster.get(LEASES, self._namespace, self._name)
        try:
            if found is None:
                self._cluster.create(LEASES, self._namespace, self._manifest({}))
                return True
            if not self._is_free(found["spec"]):
                return False
            self._cluster.replace(LEASES, self._namespace, self._manifest(found))
        except ConflictError:
            return False
        return True

    def release(self) -> None:
        """Give the lease back, if it is held."""
        found = self._cluster.get(LEASES, self._namespace, self._name)
        if found is None or found["spec"].get("holderIdentity") != self._who:
            return
        found["spec"]["holderIdentity"] = ""
        try:
            self._cluster.replace(LEASES, self._namespace, found)
        except ConflictError:
            return  # Another has just taken it.

    def _is_free(self, spec: Object) -> bool:
        if spec.get("holderIdentity", "") in ("", self._who):
            return True
        renewed = str(spec.get("renewTime", ""))
        if renewed != self._seen[0]:
            self._seen = (renewed, time.monotonic())
        return time.monotonic() - self._seen[1] > spec.get("leaseDurationSeconds", SECONDS)

    def _manifest(self, found: Object) -> Object:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        before = found.get("spec", {})
        is_ours = before.get("holderIdentity") == self._who
        spec = {
            "holderIdentity": self._who,
            "leaseDurationSeconds": SECONDS,
            "acquireTime": before.get("acquireTime", now) if is_ours else now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions", 0)
            + int(bool(before) and not is_ours),
        }
        metadata = {"name": self._name}
        if found:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }
