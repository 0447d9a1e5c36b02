"""The parameters of our pipelines that are mappings with keys of their own."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.resolve import reading_settings
from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind, Table
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import compute_mapping
from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.compiled_pipelines import NAMES
from kanaria.pipelines.local.plan import Plan
from kanaria.serving import delivery_mapping
from kanaria.serving.inference_service import service_keys, service_mapping
from kanaria.serving.model_registry import tracking_settings
from kanaria.serving.traffic.find_traffic import LOCAL_NAMESPACE


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedMapping:
    """A parameter with keys of its own: their table, and what adds the faults of a value."""

    table: Table
    parse: Callable[[Any, Faults], object]


def _service(mapping: Any, faults: Faults) -> object:
    """Check what serves; a namespace that is not named is known only where the steps run."""
    return service_mapping.parse(mapping, faults, lambda: LOCAL_NAMESPACE)


DETECTOR = "drift_detector"
MAPPINGS: Mapping[str, KeyedMapping] = {
    service_keys.WHERE: KeyedMapping(table=service_keys.SERVICE, parse=_service),
    reading_settings.WHERE: KeyedMapping(
        table=reading_settings.READING, parse=reading_settings.parse
    ),
    delivery_mapping.WHERE: KeyedMapping(
        table=delivery_mapping.DELIVERY, parse=delivery_mapping.parse
    ),
    compute_mapping.WHERE: KeyedMapping(table=compute_mapping.COMPUTE, parse=compute_mapping.parse),
    tracking_settings.WHERE: KeyedMapping(
        table=tracking_settings.TRACKING, parse=tracking_settings.parse
    ),
}


def _detector(plan: Plan, mapping: Mapping[str, Any], faults: Faults) -> None:
    """Check a drift detector, whose keys are those of its kind."""
    from kanaria.serving.drift import detector_document

    is_fitted = plan.name == "watch-for-drift"
    read = detector_document.chosen if is_fitted else detector_document.fitted_anew
    try:
        read(mapping)
    except ParameterError as error:
        faults.add(f"{DETECTOR}: {error}")


def of(plan: Plan) -> dict[str, KeyedMapping]:
    """Return name -> mapping of a pipeline's parameters; those of a user's own are not known."""
    ours = plan.parameters if _is_ours(plan) else ()
    return {name: MAPPINGS[name] for name in ours if name in MAPPINGS}


def _is_ours(plan: Plan) -> bool:
    return plan.name.replace("-", "_") in NAMES


def check(plan: Plan, values: Mapping[str, Any], faults: Faults) -> None:
    """Add the faults of all mappings that are given; a value of another type is one already."""
    for name, mapping in of(plan).items():
        if isinstance(values.get(name), dict):
            mapping.parse(values[name], faults)
    detector = values.get(DETECTOR)
    if _is_ours(plan) and isinstance(detector, dict) and detector:
        _detector(plan, detector, faults)


def meant(name: str, plan: Plan) -> str:
    """Return the parameter, or the key in one, that a wrong name probably stands for, or ""."""
    tables = {root: mapping.table for root, mapping in of(plan).items()}
    for root, table in tables.items():
        if key := keys.same(name, list(keys.paths(table)), root):
            return f"{root}.{key}"
    near = difflib.get_close_matches(name, plan.parameters, n=1)
    inner = (f"{root}.{key}" for root in tables if (key := keys.nearest(name, tables[root])))
    return near[0] if near else next(inner, "")


def place(name: str, plan: Plan) -> tuple[list[str], Kind | None]:
    """Return where the dotted name of `--set` leads, and what stands there; None for anything."""
    root, *inner = name.split(".")
    mapping = of(plan).get(root)
    if mapping is None or not inner:
        return [root, *inner], None
    path, kind = keys.find(inner, mapping.table)
    return [root, *path], kind


def all_keys(table: Table, above: str) -> list[tuple[str, Key]]:
    """Return the dotted name of every key below `above`, with the key."""
    dotted = []
    for key in table:
        path = f"{above}.{key.name}"
        dotted += [(path, key), *all_keys(key.keys, path)]
    return dotted
