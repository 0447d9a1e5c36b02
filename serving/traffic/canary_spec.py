"""Traffic over KServe's Standard mode where it routes `spec.canary`: one InferenceService for all.

KServe 0.20 makes Deployments of `spec.canary`, tells that they are ready, and routes nothing to
them; later ones give each entry that is ready its weight in the HTTPRoute that KServe keeps. What
is told is what that route says:

entry on trial   ready   in the route   so                                    then
--------------   -----   ------------   -----------------------------------   -----------
none             -       -              nothing is on trial
0 %              no      -              it loads, or does not                 no shift up
0 %              yes     yes            KServe routes it                      shift
0 %              yes     not for 60 s   KServe does not route `spec.canary`   taken back
more             yes     yes            it gets what the route says           shift
more             no      no             the stable one gets its share, too    no shift up

`spec.canary` is one value for the API server: each write is of the whole list as it was read, with
the resourceVersion, so entries of other writers stay. Each verb is one write.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kanaria.components.shared.errors import ConflictError, NotReadyError, ParameterError
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import (
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    PODS,
    Object,
)
from kanaria.serving.protocol.annotation_names import VERSION_ANNOTATION
from kanaria.serving.traffic import canary_variants
from kanaria.serving.traffic.canary_rules import (
    require_alone,
    require_nothing_inherited,
    require_room,
    require_stageable,
)
from kanaria.serving.traffic.canary_variants import Variants
from kanaria.serving.traffic.change_rules import require_percent, require_rollback, require_shift
from kanaria.serving.traffic.compare_and_swap import swap
from kanaria.serving.traffic.knative import CLUSTER_DOMAIN, failure_of, uri_of
from kanaria.serving.traffic.pod_failures import failure_in, is_ready
from kanaria.serving.traffic.route_weights import (
    BACKEND_SUFFIX,
    POD_LABEL,
    POD_PREFIX,
    is_accepted,
    require_short,
)
from kanaria.serving.traffic.shadow_rules import NO_COPIES
from kanaria.serving.traffic.traffic_protocol import LoadFailure, Manifest, ServiceStatus

ROUTED_SECONDS, POLL_SECONDS = 60.0, 0.5
"""KServe writes its status and its route in one go; a manager that starts anew takes a moment."""
Change = Callable[[Variants], Variants]


class CanarySpecTraffic:
    """The Traffic of InferenceServices whose `spec.canary` KServe routes."""

    def __init__(self, cluster: KubernetesClient) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def stage(self, manifest: Manifest) -> None:
        """Take the model into `spec.canary` at 0 %; one that is applied is left as it is.

        Raises:
            ParameterError: the name is too long, KServe allows no canary like this, or the API
                refuses the manifest.
            ConflictError: the service has changed in between.
        """
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        require_short(namespace, name)
        require_alone(manifest)
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        if service is None:
            try:
                self._cluster.create(INFERENCE_SERVICES, namespace, canary_variants.first(manifest))
            except ConflictError:
                # Another push has made it, or the answer to this write was lost.
                service = self._existing(namespace, name)
            else:
                return
        now = canary_variants.read(service)
        if uri_of(manifest) in (_uri(now.stable), _uri(now.trial or {})):
            return
        if not self._status(service).rolled_out:
            # Nobody is served yet, so nobody is there to be compared with.
            stable = canary_variants.own(manifest, now)
            self._write(service, lambda _: Variants(service=name, stable=stable, others=now.others))
            return
        self._write(
            service, partial(canary_variants.staged, predictor=self._trial(service, manifest))
        )

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status, or None when there is no such service."""
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        return self._status(service) if service is not None else None

    def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
        """Give the newest revision `percent` of the requests, 0 to 100.

        Raises:
            ParameterError: there is no such service, the percentage is out of range, others have
                part of it, or KServe does not route the canary, which is taken back then.
            NotReadyError: it is more than before, and the newest revision is not ready; or
                nothing is on trial.
            ConflictError: the service has changed in between, or a later revision than the one
                named is on trial.
        """
        require_percent("shift", percent)
        service = self._routed(namespace, name)
        require_room(f"{namespace}/{name}", canary_variants.read(service), percent)
        require = partial(require_shift, percent=percent, revision=revision)
        self._write(service, partial(canary_variants.shifted, percent=percent), require)

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the newest revision all requests and make it the stable one, in one write."""
        service = self._routed(namespace, name)
        require = partial(require_shift, percent=100, revision=revision)
        self._write(service, canary_variants.promoted, require)

    def mirror(self, namespace: str, name: str, _percent: int, /) -> None:
        """Refuse: KServe keeps the route, and rewrites it without the filter that copies.

        Raises:
            ParameterError: always; it names the ways that there are.
        """
        raise ParameterError(f"{namespace}/{name}: {NO_COPIES}")

    def rollback(self, namespace: str, name: str, revision: str = "") -> None:
        """Remove the entry on trial; after a promotion, swap with the stable one before.

        Raises:
            NotReadyError: there is no revision to go back to, or it is being started for it.
            ConflictError: it is another one than `revision`; or the service has changed in between.
        """
        service = self._existing(namespace, name)
        now = canary_variants.read(service)
        require = partial(require_rollback, revision=revision)
        require(f"{namespace}/{name}", self._status(service))
        # What KServe tells of it may be of the time when it was the stable one.
        previous = now.previous if now.trial is None else None
        if previous and not self._has_copies(service, previous):
            self._write(service, canary_variants.woken)
            raise NotReadyError(
                f"{namespace}/{name}: {now.revision(previous)} is started for the rollback; "
                "it gets the requests once it is ready, roll back again"
            )
        self._write(service, canary_variants.rolled_back, require)

    def _trial(self, service: Object, manifest: Manifest) -> canary_variants.Predictor:
        """Return the predictor that is tried as it will be promoted, with KServe's defaults."""
        now = canary_variants.read(service)
        predictor = canary_variants.own(manifest, now)
        require_stageable(service, manifest, predictor)
        promotion = canary_variants.promoted(canary_variants.staged(now, predictor))
        would = self._cluster.try_merge_patch(
            INFERENCE_SERVICES,
            service["metadata"]["namespace"],
            now.service,
            _patch(service, promotion),
        )
        tried = dict(would["spec"]["predictor"])
        require_nothing_inherited(now.stable, tried)
        return tried

    def _routed(self, namespace: str, name: str) -> Object:
        """Return the InferenceService; take a canary back that KServe does not route."""
        ends = time.monotonic() + ROUTED_SECONDS
        while True:
            service = self._existing(namespace, name)
            now = canary_variants.read(service)
            if now.trial is None or now.percent or not _is_ready(service, now.trial):
                return service
            if now.revision(now.trial) in weights(self._route(namespace, name)):
                return service
            if time.monotonic() > ends:
                break
            time.sleep(POLL_SECONDS)
        self._write(service, canary_variants.rolled_back)
        backend = now.revision(now.trial) + BACKEND_SUFFIX
        raise ParameterError(
            f"{namespace}/{name}: HTTPRoute {name} has no backend {backend}, {ROUTED_SECONDS:g} s "
            "after it was ready: this KServe does not route spec.canary (it does from 0.21, with "
            "ingress.enableGatewayApi); the canary was taken back, use another service.name"
        )

    def _status(self, service: Object) -> ServiceStatus:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        trial = canary_variants.read(service).trial
        pods = self._pods(service, trial) if trial else []
        return status_of(service, self._route(namespace, name), pods)

    def _pods(self, service: Object, predictor: canary_variants.Predictor) -> list[Object]:
        revision = canary_variants.read(service).revision(predictor)
        label = f"{POD_LABEL}={POD_PREFIX}{revision}{BACKEND_SUFFIX}"
        return self._cluster.list(PODS, service["metadata"]["namespace"], label)

    def _has_copies(self, service: Object, predictor: canary_variants.Predictor) -> bool:
        pods = self._pods(service, predictor)
        return any(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)

    def _route(self, namespace: str, name: str) -> Object | None:
        return self._cluster.get(HTTP_ROUTES, namespace, name)

    def _existing(self, namespace: str, name: str) -> Object:
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        if service is None:
            raise ParameterError(f"service {namespace}/{name}: unknown; stage a manifest first")
        return service

    def _write(
        self,
        service: Object,
        change: Change,
        require: Callable[[str, ServiceStatus], None] = lambda *_: None,
    ) -> None:
        """Make the variants what `change` makes of them, unless somebody else changed them."""
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        wanted = change(canary_variants.read(service))

        def write(now: Object) -> None:
            require(f"{namespace}/{name}", self._status(now))
            version = now["metadata"]["resourceVersion"]
            patch = _patch(now, wanted)
            self._cluster.merge_patch(INFERENCE_SERVICES, namespace, name, patch, version)

        read = partial(self._existing, namespace, name)
        swap(service, read, canary_variants.read, wanted, write)


def _patch(service: Object, wanted: Variants) -> dict[str, Any]:
    """Return the merge patch that makes the variants of an object what is wanted."""
    after = {**service["spec"], **canary_variants.written(wanted)}
    return {"spec": canary_variants.difference(service["spec"], after)}


def weights(route: Mapping[str, Any] | None) -> dict[str, int]:
    """Return revision -> percent of the requests, from the HTTPRoute that KServe keeps.

    A route that divides the requests of one rule other than those of another tells nothing.
    """
    rules = (route or {}).get("spec", {}).get("rules", [])
    shares = [_shares(rule["backendRefs"]) for rule in rules if rule.get("backendRefs")]
    return shares[0] if shares and all(one == shares[0] for one in shares) else {}


def _shares(backends: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    weights = {one["name"].removesuffix(BACKEND_SUFFIX): one.get("weight", 1) for one in backends}
    total = sum(weights.values())
    return {name: round(100 * weight / total) if total else 0 for name, weight in weights.items()}


def _condition(service: Mapping[str, Any], kind: str) -> bool:
    conditions = service.get("status", {}).get("conditions", [])
    return any((one["type"], one["status"]) == (kind, "True") for one in conditions)


def _status_of_entry(service: Mapping[str, Any], predictor: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what KServe tells of an entry of `spec.canary`, {} for nothing."""
    statuses = service.get("status", {}).get("canaryStatuses") or []
    return next((one for one in statuses if one["name"] == predictor.get("name")), {})


def _is_ready(service: Mapping[str, Any], predictor: Mapping[str, Any]) -> bool:
    return bool(_status_of_entry(service, predictor).get("ready"))


def _uri(predictor: Mapping[str, Any]) -> str:
    return uri_of({"spec": {"predictor": predictor}})


def _loading(
    service: Mapping[str, Any], now: Variants, pods: Sequence[Object]
) -> tuple[str, LoadFailure | None]:
    """Return KServe's word for how the newest model loads, and why it does not."""
    model = service.get("status", {}).get("modelStatus", {})
    if now.trial is None:
        return model.get("transitionStatus", "InProgress"), failure_of(model)
    if _is_ready(service, now.trial):
        return "UpToDate", None
    status = _status_of_entry(service, now.trial).get("modelStatus", {})
    failure = failure_of(status) or failure_in(pods)
    return ("BlockedByFailedLoad" if failure else "InProgress"), failure


def status_of(service: Object, route: Object | None, pods: Sequence[Object] = ()) -> ServiceStatus:
    """Return what an InferenceService, its route and the newest revision's pods say; pure."""
    now, shares = canary_variants.read(service), weights(route)
    stable, newest = now.revision(now.stable), now.revision(now.newest)
    stable_ready = _condition(service, "PredictorReady")
    # A route is made once its backend is ready, and stays.
    rolled_out = stable if stable_ready or stable in shares else ""
    ready = _is_ready(service, now.trial) if now.trial else stable_ready
    transition, failure = _loading(service, now, pods)
    is_live = bool(rolled_out) and route is not None and is_accepted(route)
    namespace = service["metadata"]["namespace"]
    revisions = {now.revision(predictor): predictor for predictor in now.predictors}
    return ServiceStatus(
        storage_uri=_uri(now.newest),
        canary_percent=now.percent if now.trial else None,
        latest_created=newest,
        latest_ready=newest if ready else rolled_out if now.trial else "",
        rolled_out=rolled_out,
        previous_rolled_out=now.revision(now.previous) if now.previous else "",
        traffic=tuple(RevisionTraffic(revision=r, percent=p) for r, p in shares.items())
        if is_live
        else (),
        transition=transition,
        failure=failure,
        url=service.get("status", {}).get("url", ""),
        revision_uris={name: _uri(predictor) for name, predictor in revisions.items()},
        revision_versions={
            name: (predictor.get("annotations") or {}).get(VERSION_ANNOTATION, "")
            for name, predictor in revisions.items()
        },
        revision_urls={
            name: f"http://{name}{BACKEND_SUFFIX}.{namespace}.{CLUSTER_DOMAIN}"
            for name in revisions
        },
    )
