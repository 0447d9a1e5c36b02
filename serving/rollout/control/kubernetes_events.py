"""Tells what happens in rollouts as Kubernetes Events on what owns them.

An Event has a name that follows from what happened, so it is there once however many controllers
tell of it, and however often one is started anew. Source: Kubernetes API reference, "Event v1".
"""

import logging
import threading
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared.errors import ConflictError, KanariaError
from kanaria.serving.kubernetes_client import EVENTS, KubernetesClient
from kanaria.serving.rollout.control.config_map_store import owner
from kanaria.serving.rollout.control.happenings import Happening, happened
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout

LOGGER = logging.getLogger(__name__)
COMPONENT = "kanaria-rollout"


class EventListener:
    """Hears of rollouts, from several threads, and makes Events."""

    def __init__(self, cluster: KubernetesClient) -> None:
        """Make them in this cluster."""
        self._cluster = cluster
        self._last: dict[str, Rollout] = {}
        self._lock = threading.Lock()

    def __call__(self, stored: Stored) -> None:
        """Hear of a rollout; an Event that cannot be made is logged and holds nothing up."""
        rollout = stored.rollout
        with self._lock:
            before = self._last.get(rollout.target.service)
            self._last[rollout.target.service] = rollout
        try:
            for one in happened(before, rollout):
                self._make(rollout, one)
        except KanariaError as error:
            LOGGER.warning("%s: no Event: %s", rollout.title, error)

    def _make(self, rollout: Rollout, one: Happening) -> None:
        namespace = rollout.target.namespace
        about = owner(self._cluster, namespace, rollout.target.service)
        manifest = _manifest(namespace, one, about, datetime.now(UTC))
        try:
            self._cluster.create(EVENTS, namespace, manifest)
        except ConflictError:
            return  # It is there: another controller, or this one before it was started anew.


def _manifest(
    namespace: str, one: Happening, about: dict[str, Any], now: datetime
) -> dict[str, Any]:
    when = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": one.name, "namespace": namespace},
        "involvedObject": {**about, "namespace": namespace},
        "reason": one.reason,
        "message": one.message,
        "type": "Warning" if one.is_warning else "Normal",
        "source": {"component": COMPONENT},
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
    }
