"""The variants of one InferenceService in `spec.predictor` and `spec.canary`, there and back. Pure.

A variant is a revision: its predictor's name is made of its model's URI, its number tells what came
after what. `spec.predictor` is the stable one. Of the entries of `spec.canary`

number         is                          copies (minReplicas)
-----------    -------------------------   ------------------------------------------
higher         on trial                    its share of the stable one's, at least one
lower          the stable one before       none; where KServe scales by itself, one
without one    another writer's            theirs; kept as they are

Names and numbers never change, so that a promotion and a way back change no pod.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from kanaria.serving.protocol.annotation_names import DEPLOYMENT_MODE, NUMBER_ANNOTATION
from kanaria.serving.traffic.knative import uri_of
from kanaria.serving.traffic.route_weights import suffix
from kanaria.serving.traffic.traffic_protocol import Manifest

SCALING = ("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "autoScaling")
"""What KServe allows the stable predictor only: a canary has a fixed number of copies."""
FOREIGN = -1
"""Number of what another writer has made."""
Predictor = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variants:
    """Who is in an InferenceService.

    Attributes:
        service: name of the InferenceService.
        stable: `spec.predictor`.
        trial: predictor of the entry on trial, None when nothing is.
        percent: of the requests that the one on trial is to get, 0 to 100.
        previous: predictor of the stable one before, None when there is none.
        others: entries of other writers, as they are.
    """

    service: str
    stable: Predictor
    trial: Predictor | None = None
    percent: int = 0
    previous: Predictor | None = None
    others: Sequence[Mapping[str, Any]] = ()

    @property
    def newest(self) -> Predictor:
        """The predictor on trial, or the stable one."""
        return self.trial or self.stable

    @property
    def predictors(self) -> list[Predictor]:
        """Every predictor, those of other writers too."""
        own = [predictor for predictor in (self.stable, self.trial, self.previous) if predictor]
        return [*own, *(dict(entry["predictor"]) for entry in self.others)]

    def revision(self, predictor: Mapping[str, Any]) -> str:
        """Return the name of a predictor's revision; KServe serves X by the Service X-predictor."""
        name = predictor.get("name", "")
        return f"{self.service}-{name}" if name else self.service

    def others_percent(self) -> int:
        """Return the percentage that the entries of other writers get."""
        return sum(entry.get("trafficPercent", 0) for entry in self.others)


def read(service: Mapping[str, Any]) -> Variants:
    """Return the variants of an InferenceService."""
    stable, trial, previous, percent = service["spec"]["predictor"], None, None, 0
    others = []
    for entry in service["spec"].get("canary") or []:
        number = _number(entry["predictor"])
        if number == FOREIGN:
            others.append(entry)
        elif number > _number(stable):
            trial, percent = _unscaled(entry["predictor"]), entry.get("trafficPercent", 0)
        else:
            previous = entry["predictor"]
    return Variants(
        service=service["metadata"]["name"],
        stable=stable,
        trial=trial,
        percent=percent,
        previous=previous,
        others=tuple(others),
    )


def is_own(service: Mapping[str, Any]) -> bool:
    """Tell whether any predictor of an InferenceService was made here."""
    numbers = map(_number, read(service).predictors)
    return any(number != FOREIGN for number in numbers)


def written(variants: Variants) -> dict[str, Any]:
    """Return the fields of `spec` that the variants are; None where a field is not to be there."""
    entries = [*variants.others]
    if variants.previous:
        entries.append({"trafficPercent": 0, "predictor": variants.previous})
    if variants.trial:
        least = copies(variants.stable, variants.percent)
        trial = variants.trial | {"minReplicas": least}
        entries.append({"trafficPercent": variants.percent, "predictor": trial})
    return {"predictor": variants.stable, "canary": entries or None}


def copies(stable: Mapping[str, Any], percent: int) -> int:
    """Return how many copies a canary with this percentage has: the share of all, at least one.

    At 0 % KServe itself would give it none, and it would never be ready.
    """
    return max(1, -(-_copies(stable) * percent // 100))


def name_of(uri: str) -> str:
    """Return the name of the predictor that serves the model at `uri`; KServe wants a letter first.

    It is as long as the part of a revision's name that `route_weights` makes.
    """
    return f"m{suffix(uri)[:-1]}"


def own(manifest: Manifest, variants: Variants | None = None) -> Predictor:
    """Return the predictor of a manifest as a variant of its own, later than all there are.

    What the object says of one model stands on the predictor: a change of the object's own labels
    and annotations would restart the pods of the stable one, too.
    """
    predictor: Predictor = deepcopy(dict(manifest["spec"]["predictor"]))
    predictor.pop("canaryTrafficPercent", None)
    last = max([0, *map(_number, variants.predictors)]) if variants else 0
    for field in ("labels", "annotations"):
        marks = {**manifest["metadata"].get(field, {}), **predictor.get(field, {})}
        marks.pop(DEPLOYMENT_MODE, None)
        predictor |= {field: marks} if marks else {}
    predictor.setdefault("annotations", {})[NUMBER_ANNOTATION] = str(last + 1)
    return predictor | {"name": name_of(uri_of(manifest))}


def first(manifest: Manifest) -> dict[str, Any]:
    """Return the InferenceService of a service's first model."""
    made = deepcopy(dict(manifest))
    annotations = of_the_whole(made["metadata"].get("annotations", {}))
    # Labels stay on the object, too: people select by them.
    made["metadata"]["annotations"] = annotations | {DEPLOYMENT_MODE: "Standard"}
    made["spec"]["predictor"] = own(manifest)
    return made


def of_the_whole(marks: Mapping[str, str]) -> dict[str, str]:
    """Return which labels or annotations tell KServe what to do with the object as a whole."""
    return {name: value for name, value in marks.items() if "kserve.io/" in name}


def staged(variants: Variants, predictor: Predictor) -> Variants:
    """Return the variants with another predictor on trial at 0 %; the one before goes."""
    return replace(variants, trial=_unscaled(predictor), percent=0, previous=None)


def shifted(variants: Variants, percent: int) -> Variants:
    """Return the variants with this share for what is on trial, if anything is."""
    return replace(variants, percent=percent if variants.trial else 0)


def promoted(variants: Variants) -> Variants:
    """Return the variants with what is on trial as the stable one; the stable one is kept."""
    if variants.trial is None:
        return variants
    stable = _scaled(variants.trial, variants.stable)
    return replace(
        variants, stable=stable, trial=None, percent=0, previous=_stable_copy(variants.stable)
    )


def rolled_back(variants: Variants) -> Variants:
    """Return the variants without what is on trial; after a promotion, with the one before.

    That which was promoted stays beside it at 0 %: its pods answer until those of the other do.
    """
    if variants.trial or variants.previous is None:
        return replace(variants, trial=None, percent=0)
    stable = _scaled(variants.previous, variants.stable)
    trial = _unscaled(variants.stable)
    return replace(variants, stable=stable, trial=trial, percent=0, previous=None)


def woken(variants: Variants) -> Variants:
    """Return the variants with as many copies of the stable one before as it needs to take over."""
    previous = {**(variants.previous or {}), "minReplicas": _copies(variants.stable)}
    return replace(variants, previous=previous)


def inherited(below: Mapping[str, Any], above: Mapping[str, Any]) -> list[str]:
    """Return the fields, as paths, that a canary would have of the stable predictor alone.

    KServe lays the canary's fields that are not empty over the stable predictor's; lists are
    replaced as a whole.

    Args:
        below: the stable predictor, or a part of it.
        above: that of the canary, with the defaults that KServe fills in.
    """
    names = []
    for name, value in below.items():
        over = above.get(name)
        if isinstance(value, Mapping) and isinstance(over, Mapping) and over:
            names += [f"{name}.{inner}" for inner in inherited(value, over)]
        elif value and not over and name not in (*SCALING, "name"):
            names.append(name)
    return names


def _number(predictor: Mapping[str, Any]) -> int:
    number = (predictor.get("annotations") or {}).get(NUMBER_ANNOTATION, "")
    return int(number) if number.isdecimal() else FOREIGN


def _copies(stable: Mapping[str, Any]) -> int:
    copies = stable.get("minReplicas")
    return 1 if copies is None else int(copies)


def _scaled(predictor: Predictor, like: Mapping[str, Any]) -> Predictor:
    fields = {name: like[name] for name in SCALING if name in like}
    return _unscaled(predictor) | fields


def _unscaled(predictor: Predictor) -> Predictor:
    return {name: value for name, value in predictor.items() if name not in SCALING}


def _stable_copy(stable: Predictor) -> Predictor:
    """Return the entry's predictor of a stable one that is not one any more, without copies."""
    variant = deepcopy(_unscaled(stable))
    if _number(variant) == FOREIGN:
        variant["name"] = variant.get("name") or name_of(uri_of({"spec": {"predictor": stable}}))
        variant["annotations"] = {**variant.get("annotations", {}), NUMBER_ANNOTATION: "0"}
    return variant | {"minReplicas": 0}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) from one object to another."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        under = before.get(name)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            inner = difference(under, value)
            patch |= {name: inner} if inner else {}
        elif value != under:
            patch[name] = value
    return patch
