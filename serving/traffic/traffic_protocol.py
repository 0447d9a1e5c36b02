"""The six verbs of delivery, and what they tell about a service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic

Manifest = Mapping[str, Any]
"""A `serving.kserve.io/v1beta1` InferenceService as plain data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadFailure:
    """Why the newest revision's model did not load: a reason word and a message."""

    reason: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """What is applied and what is live; revision names are "" where there is none.

    Attributes:
        storage_uri: of the applied manifest.
        canary_percent: of the applied manifest, or None when it is not set.
        mirrored_percent: of the requests that are set to be copied to the newest revision; None
            where this way of delivery cannot copy any.
        latest_created: the newest revision.
        latest_ready: the newest revision that is ready.
        rolled_out: the stable revision: the last that had all traffic.
        previous_rolled_out: the one before it.
        traffic: shares; they sum to 100 once a revision is rolled out.
        transition: KServe's `modelStatus.transitionStatus`.
        failure: why the newest revision did not load, if it did not.
        url: where requests go, or "".
        revision_uris: revision -> storage URI of its model.
        revision_versions: revision -> version of its model, from its annotation; "" without one.
        revision_urls: revision -> where it answers whatever its share is, for tests of it: a URL
            that reaches this revision only, from where the service runs. What is asked there
            is none of the users' traffic.
        ready_copies: revision -> copies that are ready; revisions whose copies nobody counts
            are not in it.
    """

    storage_uri: str
    canary_percent: int | None
    mirrored_percent: int | None = None
    latest_created: str = ""
    latest_ready: str = ""
    rolled_out: str = ""
    previous_rolled_out: str = ""
    traffic: tuple[RevisionTraffic, ...] = ()
    transition: str = "InProgress"
    failure: LoadFailure | None = None
    url: str = ""
    revision_uris: Mapping[str, str] = field(default_factory=dict)
    revision_versions: Mapping[str, str] = field(default_factory=dict)
    revision_urls: Mapping[str, str] = field(default_factory=dict)
    ready_copies: Mapping[str, int] = field(default_factory=dict)


class Traffic(Protocol):
    """A way to deliver revisions of an InferenceService; the service is named by namespace, name.

    A new revision gets no request before it is ready. While nothing is rolled out yet, the first
    ready revision gets all traffic, as in KServe. What a verb refuses is the same for all ways,
    see `change_rules`; each is tested by one contract, `tests/contract`.
    """

    def stage(self, manifest: Manifest) -> None:
        """Apply the manifest with its model at 0 %: URI and percentage in one write."""

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status, or None when there is no such service."""

    def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
        """Give the newest revision `percent` of the requests, 0 to 100.

        Who names the `revision` that the share was decided for gives none to a later one.
        """

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the newest revision all requests and make it the stable one.

        Who names the `revision` that this was decided for promotes no later one.
        """

    def mirror(self, namespace: str, name: str, percent: int, /) -> None:
        """Send the newest revision a copy of `percent` of the requests, 0 to 100.

        It answers nobody: it must be ready, and have no share of the requests. Whatever changes
        the shares ends the copying.
        """

    def rollback(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the stable revision all requests; after a promotion, the one before it.

        Who names the `revision` to go back to gives no other one the requests.
        """
