"""Which rows belong to which slice, decided by TFMA's own slicer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.private_tfma import slicer

# A slice as TFMA names it: pairs of column and value; () is the overall slice.
SliceKey = tuple[tuple[str, Any], ...]
Values = tuple[Any, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """Which of N rows belong to which slices; a row belongs to as many as it likes.

    Attributes:
        keys: the slices that have rows.
        rows: numbers of rows, shape (m,); those of a slice stand together, ascending.
        slices: place in `keys` of the slice that each belongs to, shape (m,), ascending.
    """

    keys: tuple[Any, ...]
    rows: NDArray[Any]
    slices: NDArray[Any]

    def parts(self) -> list[NDArray[Any]]:
        """Return the rows of each slice of `keys`."""
        return np.split(self.rows, np.searchsorted(self.slices, np.arange(1, len(self.keys))))


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


def _coded(values: Sequence[Values]) -> tuple[NDArray[Any], list[Values]]:
    """Return the code of each value, shape (N,), and the distinct values in their order."""
    codes: dict[Values, int] = {}
    numbers = [codes.setdefault(value, len(codes)) for value in values]
    return np.array(numbers, dtype=np.int64), list(codes)


def _coded_column(column: pa.ChunkedArray) -> tuple[NDArray[Any], list[Values]]:
    """Return the codes of a raw column's rows and the distinct rows."""
    lists = column.combine_chunks()
    if pa.types.is_null(lists.type):
        return np.zeros(len(lists), dtype=np.int64), [None]
    counts = pc.list_value_length(lists)
    if pa.types.is_floating(lists.type.value_type) or pc.max(counts).as_py() != 1:
        return _coded([None if row is None else tuple(row) for row in lists.to_pylist()])
    present = pc.equal(pc.fill_null(counts, -1), 1).to_numpy(zero_copy_only=False)
    encoded = lists.flatten().dictionary_encode()
    codes = np.zeros(len(lists), dtype=np.int64)
    codes[present] = encoded.indices.to_numpy() + 2
    empty = pc.equal(pc.fill_null(counts, -1), 0).to_numpy(zero_copy_only=False)
    codes[empty] = 1
    return codes, [None, (), *((value,) for value in encoded.dictionary.to_pylist())]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fields:
    """The values that decide about slices: places of their sources and names, and the codes."""

    places: list[tuple[int, str]]
    codes: list[NDArray[Any]]
    values: list[list[Values]]


def _fields(rows: Rows, columns: set[str]) -> _Fields:
    """Return what the slicing specs read: what models derive, the raw columns last."""
    fields = _Fields(places=[], codes=[], values=[])
    for place, outputs in enumerate(rows.derived.values()):
        for name in outputs.keys() & columns:
            flat = outputs[name].reshape(len(rows), -1).tolist()
            _add(fields, (place, name), _coded([tuple(row) for row in flat]))
    for name in rows.table.schema.names:
        if name in columns:
            _add(fields, (len(rows.derived), name), _coded_column(rows.table.column(name)))
    return fields


def _add(fields: _Fields, place: tuple[int, str], coded: tuple[NDArray[Any], list[Values]]) -> None:
    fields.places.append(place)
    fields.codes.append(coded[0])
    fields.values.append(coded[1])


def _combined(fields: _Fields, count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the first row of each distinct combination, and the combination of each row."""
    code = np.zeros(count, dtype=np.int64)
    for codes, values in zip(fields.codes, fields.values, strict=True):
        # Numbered anew each time, so that many columns do not overflow.
        _, code = np.unique(code * len(values) + codes, return_inverse=True)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return first, code


def _kind(value: Values) -> Any:
    """Keep bytes as objects: numpy's own byte strings drop trailing zero bytes."""
    return object if value and isinstance(value[0], bytes) else None


def _keys(fields: _Fields, row: int, sources: int, specs: list[Any]) -> list[SliceKey]:
    """Return the slices of one row."""
    features: list[dict[str, NDArray[Any]]] = [{} for _ in range(sources)]
    for (place, name), codes, values in zip(
        fields.places, fields.codes, fields.values, strict=True
    ):
        value = values[codes[row]]
        features[place][name] = np.array(value or (), dtype=_kind(value))
    keys = slicer.get_slices_for_features_dicts(features[:-1], features[-1], specs)
    return list(dict.fromkeys(keys))


def _ordered(keys: Sequence[Any], rows: NDArray[Any], slices: NDArray[Any]) -> Membership:
    order = np.argsort(slices, kind="stable")
    return Membership(keys=tuple(keys), rows=rows[order], slices=slices[order])


def membership(rows: Rows, config: Any, columns: set[str]) -> Membership:
    """Return which rows belong to which slices.

    Rows with equal values in all slice columns share their slices, so TFMA's slicer is
    asked once for each distinct combination.

    Args:
        rows: the evaluated rows, at least one.
        config: a `tfma.EvalConfig`.
        columns: names of the columns the slicing specs read.
    """
    fields = _fields(rows, columns)
    first, combination = _combined(fields, len(rows))
    specs, sources = specs_of(config), len(rows.derived) + 1
    places: dict[SliceKey, int] = {}
    shared = [
        [places.setdefault(key, len(places)) for key in _keys(fields, row, sources, specs)]
        for row in first.tolist()
    ]
    counts = np.array([len(part) for part in shared])[combination]
    starts = np.cumsum([0, *(len(part) for part in shared)])[:-1][combination]
    flat = np.array([place for part in shared for place in part], dtype=np.int64)
    numbers = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _ordered(list(places), numbers, flat[np.repeat(starts, counts) + within])


def with_more(members: Membership, keys_by_row: Sequence[Any]) -> Membership:
    """Return the membership with more slices of each row; none counts twice."""
    places = {key: place for place, key in enumerate(members.keys)}
    pairs = dict.fromkeys(zip(members.rows.tolist(), members.slices.tolist(), strict=True))
    for row, keys in enumerate(keys_by_row):
        pairs.update(
            dict.fromkeys((row, places.setdefault(tuple(key), len(places))) for key in keys)
        )
    both = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return _ordered(list(places), both[:, 0], both[:, 1])


JACKKNIFE, BOOTSTRAP = "jackknife", "bootstrap"
SEED = 0


def sampled(members: Membership, method: str, samples: int, number: tuple[int, int]) -> Membership:
    """Return the membership in slices of samples: keys are (slice, sample).

    As in TFMA a row is drawn for each of its slices anew. TFMA has no seed but in its own tests;
    here the draws follow from the number of the batch, so that a run repeats itself.

    Args:
        members: rows and slices.
        method: JACKKNIFE puts each row into one of `samples` buckets; BOOTSTRAP takes all rows
            once for the full sample, and draws for each sample how often (Poisson of mean 1).
        samples: how many buckets or samples.
        number: number of the partition and of the batch in it.
    """
    generator = np.random.default_rng([SEED, *number])
    if method == JACKKNIFE:
        drawn = generator.integers(samples, size=len(members.rows))
        names = [(key, sample) for key in members.keys for sample in range(samples)]
        return _used(names, members.rows, members.slices * samples + drawn)
    full = [
        (key, sample) for key in members.keys for sample in (private.FULL_SAMPLE, *range(samples))
    ]
    times = generator.poisson(1, size=(len(members.rows), samples + 1))
    times[:, 0] = 1
    place = members.slices[:, np.newaxis] * (samples + 1) + np.arange(samples + 1)
    rows = np.broadcast_to(members.rows[:, np.newaxis], times.shape)
    return _used(
        full, np.repeat(rows.ravel(), times.ravel()), np.repeat(place.ravel(), times.ravel())
    )


def _used(names: list[Any], rows: NDArray[Any], slices: NDArray[Any]) -> Membership:
    """Return the membership without the names that no row belongs to."""
    used, places = np.unique(slices, return_inverse=True)
    return _ordered([names[place] for place in used.tolist()], rows, places)


def of_keys(keys_by_row: Sequence[Sequence[Any]]) -> Membership:
    """Return the membership of rows whose slices are known."""
    nothing = np.zeros(0, dtype=np.int64)
    return with_more(Membership(keys=(), rows=nothing, slices=nothing), keys_by_row)
