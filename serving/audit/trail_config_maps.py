"""Audit trails in ConfigMaps that nothing owns, so that they outlive their service.

<service>-audit           the newest entries, and the number of pages
<service>-audit-<page>    earlier entries, immutable; a ConfigMap holds 1 MiB

Compare-and-swap is the resourceVersion (Kubernetes API concepts, "Resource versions").
"""

from kanaria.components.shared.errors import ConflictError, DataError, shown
from kanaria.serving.audit.chain import Chain, extended, read
from kanaria.serving.audit.trail_store import Due, require_sound
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS, Object

ENTRIES, PAGES = "entries", "pages"
PAGE_BYTES = 400_000
ATTEMPTS = 10
"""Of an addition, when others write at the same time; each attempt reads anew."""
LABELS = {"app.kubernetes.io/managed-by": "kanaria", "app.kubernetes.io/component": "audit"}


class ConfigMapTrails:
    """The TrailStore of a cluster."""

    def __init__(self, cluster: KubernetesClient) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def read(self, namespace: str, service: str) -> Chain:
        """Return the trail of a service, without entries where there is none."""
        before = self._cluster.get(CONFIG_MAPS, namespace, head(service))
        return read(self._earlier(namespace, service, before) + _newest(before))

    def append(self, namespace: str, service: str, due: Due) -> Chain:
        """Add what is due to the trail as it stands, with no other writer in between."""
        for _ in range(ATTEMPTS):
            try:
                return self._append(namespace, service, due)
            except ConflictError as error:
                cause = error
        raise cause

    def _append(self, namespace: str, service: str, due: Due) -> Chain:
        before = self._cluster.get(CONFIG_MAPS, namespace, head(service))
        data = self._earlier(namespace, service, before) + _newest(before)
        chain = read(data)
        require_sound(chain, f"ConfigMap {namespace}/{head(service)}")
        if chain.tail:
            raise DataError(
                f"ConfigMap {namespace}/{head(service)}: the audit trail is damaged: it ends in "
                f"the middle of a line; keep a copy as evidence and delete it to begin another"
            )
        text = extended(chain.head, due(chain))
        if text:
            self._write(namespace, service, before, text)
        return read(data + text.encode("ascii"))

    def _write(self, namespace: str, service: str, before: Object | None, text: str) -> None:
        if before is None:
            self._cluster.create(CONFIG_MAPS, namespace, _manifest(head(service), text, 0))
            return
        newest, pages = _newest(before).decode("ascii"), _pages(before)
        if len(newest) > PAGE_BYTES:
            self._put_away(namespace, f"{head(service)}-{pages}", newest)
            newest, pages = "", pages + 1
        manifest = _manifest(head(service), newest + text, pages)
        manifest["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        self._cluster.replace(CONFIG_MAPS, namespace, manifest)

    def _put_away(self, namespace: str, name: str, entries: str) -> None:
        """Make a page; one that a writer left who died before it turned over says the same."""
        manifest = _manifest(name, entries, 0) | {"immutable": True}
        try:
            self._cluster.create(CONFIG_MAPS, namespace, manifest)
        except ConflictError as error:
            page = self._cluster.get(CONFIG_MAPS, namespace, name)
            if page is None or _newest(page).decode("ascii") != entries:
                raise DataError(
                    f"ConfigMap {namespace}/{name}: holds other entries of the audit trail than "
                    "those it is to take; keep it as evidence under another name"
                ) from error

    def _earlier(self, namespace: str, service: str, newest: Object | None) -> bytes:
        count = _pages(newest) if newest is not None else 0
        names = [f"{head(service)}-{page}" for page in range(count)]
        pages = [self._cluster.get(CONFIG_MAPS, namespace, name) for name in names]
        # A page that is gone shows as a broken chain, as any removed entry does.
        return b"".join(_newest(page) for page in pages)


def head(service: str) -> str:
    """Return the name of the ConfigMap with the newest entries of a service's trail."""
    return f"{service}-audit"


def _manifest(name: str, entries: str, pages: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": dict(LABELS)},
        "data": {ENTRIES: entries, PAGES: str(pages)},
    }


def _newest(config_map: Object | None) -> bytes:
    data = (config_map or {}).get("data") or {}
    return str(data.get(ENTRIES, "")).encode()


def _pages(config_map: Object) -> int:
    pages = str((config_map.get("data") or {}).get(PAGES, ""))
    if not (pages.isascii() and pages.isdecimal()):
        name = config_map["metadata"]["name"]
        raise DataError(
            f"ConfigMap {name}: data.{PAGES}={shown(pages)}: the audit trail is damaged"
        )
    return int(pages)
