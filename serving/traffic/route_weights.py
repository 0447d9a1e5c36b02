"""Weights over several InferenceServices as one HTTPRoute, there and back. Pure.

A model has an InferenceService of its own; the route of the service knows them as revisions. The
names of the newest, the stable and the one before stand in the route's annotations, so that
weights and names change in one write.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.inference_service.service_check import MAX_NAME_LENGTH
from kanaria.serving.protocol.annotation_names import (
    EVENT_ID_HEADER,
    LATEST_ANNOTATION,
    PREVIOUS_ANNOTATION,
    ROLLED_OUT_ANNOTATION,
    SERVICE_ANNOTATION,
)

MIRROR = "RequestMirror"
BACKEND_SUFFIX = "-predictor"
"""KServe's Standard mode serves the predictor of X by the Service X-predictor, port 80."""
TRANSFORMER_SUFFIX = "-transformer"
"""And its transformer, where it has one, by X-transformer, which asks the predictor itself."""


SUFFIX_LENGTH = 8
"""Of a revision's name, digits that tell its model."""
POD_LABEL, POD_PREFIX = "app", "isvc."
"""KServe's label of the pods of one Deployment: a prefix and the Deployment's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Where requests come in: the Gateway's namespace and name, and the domain of host names."""

    namespace: str
    name: str
    domain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """Who gets which share.

    Attributes:
        latest: newest revision.
        rolled_out: stable revision, "" before the first is ready.
        previous: stable revision before that one, or "".
        weights: revision -> percent, in sum 100.
        mirrored: percent of the requests that the newest revision gets a copy of.
        transformed: revisions that are reached by way of their transformer.
    """

    latest: str
    rolled_out: str = ""
    previous: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    mirrored: int = 0
    transformed: frozenset[str] = frozenset()

    def backend(self, revision: str) -> str:
        """Return the name of the Service that answers for a revision."""
        is_transformed = revision in self.transformed
        return revision + (TRANSFORMER_SUFFIX if is_transformed else BACKEND_SUFFIX)


def suffix(uri: str) -> str:
    """Return what tells the revision that serves the model at `uri` from others of its service."""
    return fingerprint.of_text(uri)[:SUFFIX_LENGTH]


def require_short(namespace: str, service: str, *, transformed: bool = False) -> None:
    """Raise a ParameterError for a service whose revisions KServe cannot name in Standard mode.

    It makes a host name's label of a revision's Service and the namespace, and a pods' label of the
    Service alone; either may have 63 characters, and where one has more nothing is made.
    """
    ending = TRANSFORMER_SUFFIX if transformed else BACKEND_SUFFIX
    revision = f"-{'0' * SUFFIX_LENGTH}{ending}"
    around = max(len(f"{revision}-{namespace}"), len(f"{POD_PREFIX}{revision}"))
    if len(service) + around > MAX_NAME_LENGTH:
        longest = max(MAX_NAME_LENGTH - around, 0)
        remedy = f"use up to {longest} characters" if longest else "use a shorter namespace"
        raise ParameterError(
            f"service.name={service!r}: a revision of it in namespace {namespace!r} would have a "
            f"name of more than {MAX_NAME_LENGTH} characters in Standard mode; {remedy}"
        )


def first(revision: str, *, transformed: bool = False) -> Routing:
    """Return the routing of a service's first revision; nobody else could answer."""
    by_transformer = frozenset({revision} if transformed else ())
    return Routing(latest=revision, weights={revision: 100}, transformed=by_transformer)


def staged(routing: Routing, revision: str, *, transformed: bool = False) -> Routing:
    """Return the routing with a newer revision at 0 %.

    While no revision has been ready, none is the stable one: the first that is ready will be.
    """
    by_transformer = routing.transformed - {revision} | ({revision} if transformed else set())
    first_one = routing.rolled_out or routing.latest
    keep = {name for name in (first_one, routing.previous) if name}
    weights = {name: 100 if name == first_one else 0 for name in sorted(keep | {revision})}
    return Routing(
        latest=revision,
        rolled_out=routing.rolled_out,
        previous=routing.previous,
        weights=weights,
        transformed=by_transformer & weights.keys(),
    )


def with_first_ready(routing: Routing, ready: Collection[str]) -> Routing:
    """Return the routing whose stable revision is, without one so far, the newest that is ready."""
    if routing.rolled_out:
        return routing
    names = [routing.latest, *routing.weights]
    return replace(routing, rolled_out=next((name for name in names if name in ready), ""))


def shifted(routing: Routing, percent: int) -> Routing:
    """Return the routing with `percent`, 0 to 100, for the newest and the rest for the stable."""
    if percent == 100 or routing.latest == routing.rolled_out:
        return promoted(routing)
    shares = {routing.latest: percent, routing.rolled_out: 100 - percent}
    weights = {name: shares.get(name, 0) for name in routing.weights}
    return replace(routing, weights=weights, mirrored=0)


def promoted(routing: Routing) -> Routing:
    """Return the routing with everything for the newest, which is the stable one from now on."""
    is_stable = routing.latest == routing.rolled_out
    previous = routing.previous if is_stable else routing.rolled_out
    names = {name for name in (routing.latest, previous) if name}
    return Routing(
        latest=routing.latest,
        rolled_out=routing.latest,
        previous=previous,
        weights={name: 100 if name == routing.latest else 0 for name in sorted(names)},
        transformed=routing.transformed & names,
    )


def rolled_back(routing: Routing) -> Routing:
    """Return the routing with everything for the stable one; after a promotion, the one before."""
    is_promoted = routing.latest == routing.rolled_out
    back = routing.previous if is_promoted and routing.previous else routing.rolled_out
    weights = {name: 100 if name == back else 0 for name in routing.weights}
    previous = "" if is_promoted else routing.previous
    return replace(routing, rolled_out=back, previous=previous, weights=weights, mirrored=0)


def mirrored(routing: Routing, percent: int) -> Routing:
    """Return the routing with a copy of `percent`, 0 to 100, of the requests for the newest."""
    return replace(routing, mirrored=percent)


def to_route(routing: Routing, namespace: str, name: str, gateway: Gateway) -> dict[str, Any]:
    """Return the HTTPRoute (gateway.networking.k8s.io/v1) that makes the routing true."""
    names = {
        LATEST_ANNOTATION: routing.latest,
        ROLLED_OUT_ANNOTATION: routing.rolled_out,
        PREVIOUS_ANNOTATION: routing.previous,
    }
    backends = [
        {"kind": "Service", "name": routing.backend(revision), "port": 80, "weight": weight}
        for revision, weight in sorted(routing.weights.items())
    ]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {SERVICE_ANNOTATION: name},
            "annotations": names,
        },
        "spec": {
            "parentRefs": [{"namespace": gateway.namespace, "name": gateway.name}],
            "hostnames": [f"{name}-{namespace}.{gateway.domain}"],
            "rules": [{"backendRefs": backends} | _filters(routing)],
        },
    }


def _filters(routing: Routing) -> dict[str, Any]:
    """Return what copies requests (Gateway API 1.3: RequestMirror with a percentage).

    An id that the client gave to the event would be that of the copy too, and the payload log
    would take both for one exchange.
    """
    if not routing.mirrored:
        return {}
    backend = {"kind": "Service", "name": routing.backend(routing.latest), "port": 80}
    # Not every gateway that copies all requests knows percentages.
    share = {"percent": routing.mirrored} if routing.mirrored < 100 else {}
    mirror = {"backendRef": backend} | share
    own_ids = {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"remove": [EVENT_ID_HEADER]},
    }
    return {"filters": [own_ids, {"type": MIRROR, "requestMirror": mirror}]}


def from_route(route: Mapping[str, Any]) -> Routing:
    """Return the routing that a route of `to_route` says."""
    annotations = route["metadata"].get("annotations", {})
    rule = route["spec"]["rules"][0]
    mirrors = [
        entry["requestMirror"] for entry in rule.get("filters", []) if "requestMirror" in entry
    ]
    backends = {entry["name"]: entry.get("weight", 1) for entry in rule["backendRefs"]}
    return Routing(
        latest=annotations[LATEST_ANNOTATION],
        rolled_out=annotations.get(ROLLED_OUT_ANNOTATION, ""),
        previous=annotations.get(PREVIOUS_ANNOTATION, ""),
        weights={_revision(name): weight for name, weight in backends.items()},
        mirrored=sum(mirror.get("percent", 100) for mirror in mirrors),
        transformed=frozenset(
            _revision(name) for name in backends if name.endswith(TRANSFORMER_SUFFIX)
        ),
    )


def _revision(backend: str) -> str:
    """Return the revision that a Service answers for."""
    return backend.removesuffix(BACKEND_SUFFIX).removesuffix(TRANSFORMER_SUFFIX)


def shares(routing: Routing) -> tuple[RevisionTraffic, ...]:
    """Return the shares as the Traffic protocol tells them."""
    return tuple(RevisionTraffic(revision=r, percent=p) for r, p in sorted(routing.weights.items()))


def is_accepted(route: Mapping[str, Any]) -> bool:
    """Tell whether every gateway has taken this generation of the route over."""
    parents = route.get("status", {}).get("parents", [])
    generation = route["metadata"].get("generation", 0)
    conditions = [
        condition
        for parent in parents
        for condition in parent.get("conditions", [])
        if condition["type"] in ("Accepted", "ResolvedRefs")
    ]
    return bool(conditions) and all(
        condition["status"] == "True" and condition.get("observedGeneration", 0) >= generation
        for condition in conditions
    )
