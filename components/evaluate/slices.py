"""Which rows belong to which slice, decided by TFMA's own slicer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate.private_tfma import slicer
from kanaria.components.evaluate.rows import Rows

# A slice as TFMA names it: pairs of column and value; () is the overall slice.
SliceKey = tuple[tuple[str, Any], ...]


def specs_of(config: Any) -> list[Any]:
    """Return the slices to compute, those that cross-slice comparisons need included."""
    protos = list(config.slicing_specs)
    for cross in config.cross_slicing_specs:
        protos += [cross.baseline_spec, *cross.slicing_specs]
    specs: list[Any] = []
    for proto in protos:
        spec = slicer.SingleSliceSpec(spec=proto)
        if spec not in specs:
            specs.append(spec)
    return specs or [slicer.SingleSliceSpec()]


def _features(rows: Rows, columns: set[str]) -> list[dict[str, list[Any]]]:
    """Return, per source of features, column -> N hashable values; the raw columns last."""
    sources: list[dict[str, list[Any]]] = [
        {name: [tuple(np.ravel(row).tolist()) for row in values] for name, values in part.items()}
        for part in (
            {name: v for name, v in outputs.items() if name in columns}
            for outputs in rows.derived.values()
        )
    ]
    raw: dict[str, list[Any]] = {
        name: [None if row is None else tuple(row) for row in rows.table.column(name).to_pylist()]
        for name in rows.table.schema.names
        if name in columns
    }
    return [*sources, raw]


def slice_rows(rows: Rows, config: Any, columns: set[str]) -> dict[SliceKey, NDArray[Any]]:
    """Return the row numbers of every slice that has rows, each of shape (n,), ascending.

    Rows with equal values in all slice columns share their slices, so TFMA's slicer is
    asked once for each distinct combination.

    Args:
        rows: the evaluated rows.
        config: a `tfma.EvalConfig` without slices in SQL.
        columns: names of the columns the slicing specs read.
    """
    specs = specs_of(config)
    sources = _features(rows, columns)
    fields = [(k, name, values) for k, part in enumerate(sources) for name, values in part.items()]
    members: dict[tuple[Any, ...], list[int]] = {}
    for i in range(len(rows)):
        members.setdefault(tuple(values[i] for _, _, values in fields), []).append(i)
    found: dict[SliceKey, list[int]] = {}
    for combination, numbers in members.items():
        features: list[dict[str, NDArray[Any]]] = [{} for _ in sources]
        for (k, name, _), value in zip(fields, combination, strict=True):
            features[k][name] = np.array(value or (), dtype=_kind(value))
        keys = slicer.get_slices_for_features_dicts(features[:-1], features[-1], specs)
        for key in set(keys):
            found.setdefault(key, []).extend(numbers)
    return {key: np.sort(np.array(numbers)) for key, numbers in found.items()}


def _kind(value: tuple[Any, ...] | None) -> Any:
    """Keep bytes as objects: numpy's own byte strings drop trailing zero bytes."""
    return object if value and isinstance(value[0], bytes) else None
