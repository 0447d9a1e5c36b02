"""Rollouts in ConfigMaps that the service owns, so that they go when it goes.

<service>-rollout               the newest rollout, and the last entries of its record
<service>-rollout-<n>           rollout n, once there is a newer one
<service>-rollout-<n>-<page>    earlier entries of rollout n; a ConfigMap holds 1 MiB

KServe copies an InferenceService's annotations into its pods, so a record there would make a new
revision. Compare-and-swap is the resourceVersion (Kubernetes API concepts, "Resource versions").
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kanaria.components.shared.errors import ConflictError, DataError, NotReadyError, shown
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import (
    CONFIG_MAPS,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    Object,
)
from kanaria.serving.protocol.annotation_names import ROLLOUT_LABEL
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout, from_json, to_json
from kanaria.serving.rollout.decision.audit_record import Entry, from_line, to_line

ROLLOUT, ENTRIES, PAGES = "rollout.json", "entries", "pages"
REMEDY = "restore it, or delete the ConfigMap and start the rollout anew"
PAGE_BYTES = 400_000
"""Entries beside a rollout of at most some 100 kB: half of what a ConfigMap may hold."""
OWNERS = (INFERENCE_SERVICES, HTTP_ROUTES)
"""A service in Standard mode is an HTTPRoute over several InferenceServices."""


class ConfigMapStore:
    """The Store of a cluster."""

    def __init__(self, cluster: KubernetesClient) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def load(self, namespace: str, service: str, number: int | None = None) -> Stored | None:
        """Return a service's newest rollout, or that of a number; None where there is none."""
        config_map = self._cluster.get(CONFIG_MAPS, namespace, head(service))
        if number is not None:
            config_map = self._of_number(config_map, namespace, service, number)
        return _stored(config_map) if config_map is not None else None

    def create(self, rollout: Rollout) -> None:
        """Keep the first rollout of a service, or, when the one before is over, the next."""
        namespace, service = rollout.target.namespace, rollout.target.service
        new = _manifest(rollout, head(service), "", 0)
        before = self._cluster.get(CONFIG_MAPS, namespace, head(service))
        if before is None:
            new["metadata"]["ownerReferences"] = [owner(self._cluster, namespace, service)]
            self._cluster.create(CONFIG_MAPS, namespace, new)
            return
        last = _stored(before).rollout
        _entries(before)  # What is damaged is not put away as if it were whole.
        if last.governs or rollout.number != last.number + 1:
            raise ConflictError(f"{rollout.title}: another rollout was started in between")
        self._keep(namespace, f"{head(service)}-{last.number}", before, before["data"])
        self._replace(new, before)

    def save(self, rollout: Rollout, version: str, entry: Entry | None = None) -> Stored:
        """Replace the rollout read at `version`; add the entry to its record in the same write."""
        namespace, name = rollout.target.namespace, head(rollout.target.service)
        before = self._cluster.get(CONFIG_MAPS, namespace, name)
        if before is None or before["metadata"]["resourceVersion"] != version:
            raise ConflictError(f"{rollout.title}: it has changed since it was read")
        entries, pages = _entries(before)
        if len(entries.encode()) > PAGE_BYTES:
            page = f"{name}-{rollout.number}-{pages}"
            self._keep(namespace, page, before, {ENTRIES: entries})
            entries, pages = "", pages + 1
        if entry is not None:
            count = _stored(before).rollout.entries
            rollout, entries = replace(rollout, entries=count + 1), f"{entries}{to_line(entry)}\n"
        return _stored(self._replace(_manifest(rollout, name, entries, pages), before))

    def entries(self, namespace: str, service: str, number: int) -> tuple[Entry, ...]:
        """Return the audit record of a rollout, oldest entry first."""
        newest_one = self._cluster.get(CONFIG_MAPS, namespace, head(service))
        config_map = self._of_number(newest_one, namespace, service, number)
        if config_map is None:
            raise DataError(f"{namespace}/{service}: there is no rollout {number}")
        newest, count = _entries(config_map)
        names = [f"{head(service)}-{number}-{page}" for page in range(count)]
        pages = {name: self._cluster.get(CONFIG_MAPS, namespace, name) for name in names}
        if lost := [name for name, page in pages.items() if page is None]:
            raise DataError(f"{namespace}: ConfigMaps {', '.join(lost)} of the record are gone")
        texts = [_part(page, ENTRIES) for page in pages.values() if page is not None]
        return tuple(from_line(line) for line in "".join([*texts, newest]).splitlines())

    def services(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the services in the namespace that have a rollout."""
        config_maps = self._cluster.list(CONFIG_MAPS, namespace, ROLLOUT_LABEL)
        names = {
            item["metadata"]["name"]: item["metadata"]["labels"][ROLLOUT_LABEL]
            for item in config_maps
        }
        return tuple(sorted(service for name, service in names.items() if name == head(service)))

    def _of_number(
        self, newest: Object | None, namespace: str, service: str, number: int
    ) -> Object | None:
        if newest is not None and _stored(newest).rollout.number == number:
            return newest
        return self._cluster.get(CONFIG_MAPS, namespace, f"{head(service)}-{number}")

    def _keep(self, namespace: str, name: str, of: Object, data: Mapping[str, str]) -> None:
        """Make a ConfigMap that never changes; one that a dead writer left says the same."""
        metadata = {key: of["metadata"][key] for key in ("labels", "ownerReferences")}
        manifest = _config_map({**metadata, "name": name}, data)
        with suppress(ConflictError):
            self._cluster.create(CONFIG_MAPS, namespace, manifest)

    def _replace(self, manifest: Object, before: Object) -> Object:
        metadata = {key: before["metadata"][key] for key in ("ownerReferences", "resourceVersion")}
        manifest["metadata"].update(metadata)
        return self._cluster.replace(CONFIG_MAPS, before["metadata"]["namespace"], manifest)


def owner(cluster: KubernetesClient, namespace: str, service: str) -> dict[str, Any]:
    """Return apiVersion, kind, name and uid of the object that a service is.

    Raises:
        NotReadyError: there is no such service.
    """
    for resource in OWNERS:
        service_object = cluster.get(resource, namespace, service)
        if service_object is not None:
            return {
                "apiVersion": service_object["apiVersion"],
                "kind": service_object["kind"],
                "name": service,
                "uid": service_object["metadata"]["uid"],
            }
    raise NotReadyError(f"{namespace}/{service}: there is no such service; push a model first")


def head(service: str) -> str:
    """Return the name of the ConfigMap with the newest rollout of a service."""
    return f"{service}-rollout"


def _config_map(metadata: Mapping[str, Any], data: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": dict(metadata),
        "data": dict(data),
    }


def _manifest(rollout: Rollout, name: str, entries: str, pages: int) -> Object:
    labels = {"app.kubernetes.io/managed-by": "kanaria", ROLLOUT_LABEL: rollout.target.service}
    data = {ROLLOUT: to_json(rollout), ENTRIES: entries, PAGES: str(pages)}
    return _config_map({"name": name, "labels": labels}, data)


def _stored(config_map: Object) -> Stored:
    rollout = from_json(_part(config_map, ROLLOUT), _where(config_map))
    return Stored(rollout=rollout, version=config_map["metadata"]["resourceVersion"])


def _entries(config_map: Object) -> tuple[str, int]:
    """Return the entries in a ConfigMap, and the number of pages with earlier ones."""
    pages = _part(config_map, PAGES)
    if not pages.isdecimal():
        raise DataError(f"{_where(config_map)}: data.{PAGES}={shown(pages)}: {REMEDY}")
    return _part(config_map, ENTRIES), int(pages)


def _part(config_map: Object, key: str) -> str:
    data = config_map.get("data") or {}
    if key not in data:
        raise DataError(f"{_where(config_map)}: data.{key} is missing: {REMEDY}")
    return str(data[key])


def _where(config_map: Object) -> str:
    return f"ConfigMap {config_map['metadata']['namespace']}/{config_map['metadata']['name']}"
