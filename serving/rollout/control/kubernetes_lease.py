"""A lease of a service in a cluster; apart, since on one machine no Kubernetes client is loaded."""

import time
from datetime import UTC, datetime

from kanaria.components.shared.errors import ConflictError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import LEASES, Object
from kanaria.serving.rollout.control.lease import SECONDS


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
        self._renewal: tuple[str, float] = ("", 0.0)

    def hold(self) -> bool:
        """Take or renew the lease; False while another holds it."""
        lease = self._cluster.get(LEASES, self._namespace, self._name)
        try:
            if lease is None:
                self._cluster.create(LEASES, self._namespace, self._manifest({}))
                return True
            if not self._is_free(lease["spec"]):
                return False
            self._cluster.replace(LEASES, self._namespace, self._manifest(lease))
        except ConflictError:
            return False
        return True

    def release(self) -> None:
        """Give the lease back, if it is held."""
        lease = self._cluster.get(LEASES, self._namespace, self._name)
        if lease is None or lease["spec"].get("holderIdentity") != self._who:
            return
        lease["spec"]["holderIdentity"] = ""
        try:
            self._cluster.replace(LEASES, self._namespace, lease)
        except ConflictError:
            return  # Another has just taken it.

    def _is_free(self, spec: Object) -> bool:
        if spec.get("holderIdentity", "") in ("", self._who):
            return True
        renewed = str(spec.get("renewTime", ""))
        if renewed != self._renewal[0]:
            self._renewal = (renewed, time.monotonic())
        return time.monotonic() - self._renewal[1] > spec.get("leaseDurationSeconds", SECONDS)

    def _manifest(self, lease: Object) -> Object:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        before = lease.get("spec", {})
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
        if lease:
            metadata["resourceVersion"] = lease["metadata"]["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }
