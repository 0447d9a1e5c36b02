"""Rows as TFMA's extracts, and metrics row by row, with TFMA's own functions and no pipeline."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.private_tfma import metric_util, model_util, slicer, tfma, util
from kanaria.components.evaluate.slices import Membership

SLICES = tfma.SLICE_KEY_TYPES_KEY
# TFMA takes time in the square of the rows to take columns of lists apart.
CHUNK_ROWS = 1_000


def batch_extracts(rows: Rows) -> dict[str, Any]:
    """Return rows as one batch of TFMA extracts, in the form its predictors give."""
    predictions = {
        name: outputs if len(outputs) > 1 else next(iter(outputs.values()))
        for name, outputs in rows.predictions.items()
    }
    single = len(predictions) == 1
    batches = rows.table.combine_chunks().to_batches()
    result: dict[str, Any] = {
        tfma.ARROW_RECORD_BATCH_KEY: batches[0],
        tfma.PREDICTIONS_KEY: next(iter(predictions.values())) if single else predictions,
    }
    if rows.derived:
        derived = next(iter(rows.derived.values())) if single else dict(rows.derived)
        result[tfma.constants.TRANSFORMED_FEATURES_KEY] = derived
    return result


def with_features(extracts: dict[str, Any], config: Any) -> dict[str, Any]:
    """Return a batch of extracts with features, labels and weights, as TFMA's extractors do."""
    batch, _ = private.supported_columns(extracts[tfma.ARROW_RECORD_BATCH_KEY])
    result = {k: v for k, v in extracts.items() if k != tfma.ARROW_RECORD_BATCH_KEY}
    result[tfma.FEATURES_KEY] = util.record_batch_to_tensor_values(batch, {})
    specs = list(config.model_specs)
    fields = model_util.get_feature_values_for_model_spec_field
    result[tfma.LABELS_KEY] = fields(specs, "label_key", "label_keys", result, True)
    weights = fields(specs, "example_weight_key", "example_weight_keys", result)
    if weights is not None:
        result[tfma.EXAMPLE_WEIGHTS_KEY] = weights
    return result


def sql_slices(rows: Rows, config: Any) -> list[list[Any]]:
    """Return the slices that SQL gives each row."""
    extract = private.ExtractSqlSliceKeys(config)
    extract.setup()
    (extract_of_rows,) = extract.process(with_features(batch_extracts(rows), config))
    keys = extract_of_rows[SLICES]
    result: list[list[Any]] = [[] for _ in range(len(rows))]
    for row, key in zip(keys.indices[:, 0].tolist(), keys.values, strict=True):
        result[row].append(key)
    return result


def row_extracts(rows: Rows, config: Any, members: Membership) -> list[dict[str, Any]]:
    """Return each row's extracts with the slices it belongs to."""
    extracts: list[dict[str, Any]] = []
    for start in range(0, len(rows), CHUNK_ROWS):
        part = rows.part(start, start + CHUNK_ROWS)
        extracts += private.unbatched(with_features(batch_extracts(part), config))
    keys: list[list[Any]] = [[] for _ in range(len(rows))]
    for row, place in zip(members.rows.tolist(), members.slices.tolist(), strict=True):
        keys[row].append(members.keys[place])
    for extract, own in zip(extracts, keys, strict=True):
        extract[SLICES] = slicer.slice_keys_to_numpy_array(own)
    return extracts


def by_query(extracts: Sequence[dict[str, Any]], query_key: str) -> Iterator[dict[str, Any]]:
    """Yield the extracts of each query's rows, merged, as TFMA's grouping does."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for extract in extracts:
        value = util.get_by_keys(extract, [tfma.FEATURES_KEY, query_key], optional=True)
        query = metric_util.to_scalar(value, tensor_name=query_key)
        groups.setdefault("" if query is None else f"{query}", []).append(extract)
    for group in groups.values():
        yield util.merge_extracts(group)


def slice_keys(extract: dict[str, Any]) -> list[Any]:
    """Return the slices of one extract, each once, as TFMA's fan-out does."""
    keys = extract[SLICES]
    if isinstance(keys, tfma.VarLenTensorValue):
        keys = keys.values
    elif isinstance(keys, np.ndarray) and keys.ndim == 2:
        keys = keys.flatten()
    return list(dict.fromkeys(keys))


class Fed:
    """Feeds rows to some computations of TFMA, one by one."""

    def __init__(self, computations: Sequence[Any]) -> None:
        """Take the computations; their combiners are set up."""
        self._computations = list(computations)
        self._preprocess = private.Preprocessing(self._computations)
        self._preprocess.setup()
        self._preprocess.start_bundle()

    def inputs(self, extract: dict[str, Any]) -> Iterator[list[Any]]:
        """Yield what each combiner takes of one extract, in their order."""
        for element in self._preprocess.process(extract):
            default = element.get(private.DEFAULT_COMBINER_INPUT)
            own = element[private.COMBINER_INPUTS]
            yield [default if one is None else one for one in own]
