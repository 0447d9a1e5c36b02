"""What KServe allows as an entry of `spec.canary`, asked for before anything is applied. Pure.

KServe's webhook refuses each of these by itself, one at a time; what a canary would inherit
unasked, it does not refuse at all.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.protocol.annotation_names import DEPLOYMENT_MODE
from kanaria.serving.traffic import canary_variants
from kanaria.serving.traffic.canary_variants import Predictor, Variants
from kanaria.serving.traffic.knative import uri_of
from kanaria.serving.traffic.traffic_protocol import Manifest

BESIDE = ("transformer", "explainer")
"""KServe either leaves a canary out of routes to these, or gives it its share past them."""


def require_alone(manifest: Manifest) -> None:
    """Raise a ParameterError for a service whose requests KServe would not all divide."""
    faults = Faults("spec.canary")
    for part in BESIDE:
        remedy = f"KServe divides no requests that come by way of the {part}; use Knative mode"
        faults.check(part not in manifest["spec"], f"spec.{part}", "set", remedy)
    faults.raise_if_any()


def require_stageable(service: Mapping[str, Any], manifest: Manifest, predictor: Predictor) -> None:
    """Raise a ParameterError that names all that forbids to try a model in `spec.canary`.

    Args:
        service: the InferenceService as it is.
        manifest: of the model.
        predictor: of the model.
    """
    now, faults = canary_variants.read(service), Faults("spec.canary")
    _check_stable(service, manifest, now, faults)
    _check_scaling(manifest["spec"]["predictor"], now.stable, faults)
    names = [other.get("name") for other in (now.stable, *(e["predictor"] for e in now.others))]
    name = predictor["name"]
    faults.check(name not in names, "predictor.name", name, "it is taken; rename that entry")
    faults.check("workerSpec" not in predictor, "workerSpec", "set", "a canary has one node only")
    faults.raise_if_any()


def require_nothing_inherited(stable: Predictor, predictor: Predictor) -> None:
    """Raise a ParameterError when a canary would be tried with fields that are not its own.

    Args:
        stable: `spec.predictor`.
        predictor: of the model as it would be promoted, with KServe's defaults.
    """
    faults = Faults("spec.canary")
    remedy = (
        "KServe tries a canary with this field of the stable predictor, and would promote it "
        "without; set it in this release, too, or use another service.name"
    )
    for path in canary_variants.inherited(stable, predictor):
        faults.check(False, f"predictor.{path}", _at(stable, path), remedy)
    faults.raise_if_any()


def require_room(where: str, now: Variants, percent: int) -> None:
    """Raise a ParameterError when entries of others leave no room for a percentage."""
    others = now.others_percent()
    if now.trial and percent + others > 100:
        raise ParameterError(
            f"{where}: shift: percent={percent}: other entries of spec.canary have {others} %, "
            f"use up to {100 - others}"
        )


def _check_stable(
    service: Mapping[str, Any], manifest: Manifest, now: Variants, faults: Faults
) -> None:
    model = uri_of({"spec": {"predictor": now.stable}})
    remedy = "KServe needs a stable predictor with a model beside a canary"
    faults.check(bool(model), "spec.predictor", sorted(now.stable), remedy)
    for part in BESIDE:
        remedy = f"KServe divides no requests that come by way of the {part}; remove it first"
        faults.check(part not in service["spec"], f"spec.{part}", "set", remedy)
    for field in ("labels", "annotations"):
        has = service["metadata"].get(field) or {}
        marks = canary_variants.of_the_whole(manifest["metadata"].get(field, {}))
        marks.pop(DEPLOYMENT_MODE, None)
        for key, value in marks.items():
            remedy = f"the service has {has.get(key)!r}, for all its models; change it there first"
            faults.check(has.get(key) == value, f"metadata.{field}[{key!r}]", value, remedy)


def _check_scaling(predictor: Mapping[str, Any], stable: Mapping[str, Any], faults: Faults) -> None:
    least = _scaling(stable)["minReplicas"]
    remedy = "a canary at 0 % needs a copy; use 1 or more"
    faults.check(least != 0, "minReplicas", least, remedy)
    has = _scaling(stable)
    for name, value in _scaling(predictor).items():
        remedy = (
            f"the service has {has[name]!r}, and a canary no scaling of its own; change it there"
        )
        faults.check(value == has[name], name, value, remedy)


def _scaling(predictor: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of scaling with KServe's defaults."""
    values = {name: predictor.get(name) for name in canary_variants.SCALING}
    least = 1 if values["minReplicas"] is None else values["minReplicas"]
    most = max(values["maxReplicas"] or 0, least, 1)
    return values | {"minReplicas": least, "maxReplicas": most}


def _at(mapping: Mapping[str, Any], path: str) -> object:
    """Return the value at a path; a name with dots in it ends the path."""
    head, _, rest = path.partition(".")
    if path in mapping or not rest:
        return mapping.get(path)
    inner = mapping.get(head)
    return _at(inner, rest) if isinstance(inner, Mapping) else None
