"""TFDV's own modules, read without Beam, TensorFlow and pandas, which they name and do not need.

Rule: private names of TFDV are used here and nowhere else. Where another version of TFDV cannot be
read so, the whole library is imported, and the log says so.
"""

import functools
import importlib
import io
import logging
import pickle
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared.imports import stand_ins

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList

MOST_EXACT_VALUES = 16_384
"""Distinct values up to which counts are exact; TFDV's own 1,024 loses counts of larger texts."""
STATISTICS = "tensorflow_data_validation.statistics.stats_impl"
OPTIONS = "tensorflow_data_validation.statistics.stats_options"
VALIDATION = "tensorflow_data_validation.api.validation_api"
COUNTS = "tensorflow_data_validation.statistics.generators.top_k_uniques_sketch_stats_generator"

log = logging.getLogger(__name__)


class _Uncounted:
    """A counter of Beam, which counts nothing outside of a pipeline."""

    def inc(self, by: int = 1) -> None:
        """Count nothing."""

    def update(self, value: int) -> None:
        """Note nothing."""


def _unchanged(*_: object, **__: object) -> Callable[[Any], Any]:
    """Return a decorator that changes nothing."""
    return lambda decorated: decorated


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


RECIPE = stand_ins.Recipe(
    modules=(STATISTICS, OPTIONS, VALIDATION, COUNTS),
    own=("tensorflow_data_validation", "tfx_bsl.telemetry"),
    bare=("tensorflow_data_validation",),
    frameworks=("apache_beam", "pandas", "tensorflow", "tfx_bsl.beam"),
    values={
        "apache_beam.coders.typecoders.registry.register_coder": lambda *_: None,
        "apache_beam.metrics.Metrics.counter": lambda *_: _Uncounted(),
        "apache_beam.metrics.Metrics.distribution": lambda *_: _Uncounted(),
        "apache_beam.ptransform_fn": lambda function: function,
        "apache_beam.typehints.with_input_types": _unchanged,
        "apache_beam.typehints.with_output_types": _unchanged,
        "tensorflow.compat.as_bytes": _as_bytes,
        "tfx_bsl.beam.fix_code_type_pickling": lambda: None,
    },
)


@functools.cache
def library() -> dict[str, ModuleType]:
    """Return full name -> module of TFDV."""
    try:
        return stand_ins.read(RECIPE)
    except (ImportError, AttributeError, TypeError) as error:
        log.warning("importing TFDV with Beam and TensorFlow, since it needs them: %s", error)
        return {name: importlib.import_module(name) for name in RECIPE.modules}


def named(module: str, name: str) -> Any:
    """Return a class or function of TFDV by the full name of its module and its name there."""
    source = library().get(module) or importlib.import_module(module)
    return functools.reduce(getattr, name.split("."), source)


class _Pickler(pickle.Pickler):
    """Lets what TFDV made travel, though nobody can import its modules as they were read."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, type | FunctionType) and value.__module__ in library():
            return named, (value.__module__, value.__qualname__)
        return NotImplemented


class State:
    """The accumulators of all generators; picklable."""

    def __init__(self, accumulators: list[Any]) -> None:
        """Keep them, in the order of `generators`."""
        self.accumulators = accumulators

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        """Travel as bytes."""
        buffer = io.BytesIO()
        _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(self.accumulators)
        return _state, (buffer.getvalue(),)


def _state(data: bytes) -> State:
    return State(pickle.loads(data))  # noqa: S301  `State.__reduce__` wrote it elsewhere.


@functools.cache
def generators(schema: bytes | None) -> tuple[Any, ...]:
    """Return TFDV's generators, with a larger sketch of the most frequent values.

    Args:
        schema: a serialized schema, or None; it says which numbers are categories, which features
            are sparse and which are weighted.
    """
    parsed_schema = None if schema is None else schema_pb2.Schema.FromString(schema)
    options = library()[OPTIONS].StatsOptions(schema=parsed_schema)
    kind = library()[COUNTS].TopKUniquesSketchStatsGenerator
    counts = kind(
        schema=options.schema,
        num_top_values=options.num_top_values,
        num_rank_histogram_buckets=options.num_rank_histogram_buckets,
        frequency_threshold=options.frequency_threshold,
        weighted_frequency_threshold=options.weighted_frequency_threshold,
        num_misragries_buckets=MOST_EXACT_VALUES,
        num_kmv_buckets=MOST_EXACT_VALUES,
    )
    usual = library()[STATISTICS].get_generators(options, in_memory=True)
    return tuple(counts if isinstance(one, kind) else one for one in usual)


def extracted(state: State, schema: bytes | None) -> Statistics:
    """Return the statistics of all rows of a state."""
    return library()[STATISTICS].extract_statistics_output(state.accumulators, generators(schema))


def infer_schema(statistics: Statistics) -> schema_pb2.Schema:
    """Return TFDV's schema of statistics, with shapes."""
    return library()[VALIDATION].infer_schema(statistics, infer_feature_shape=True)


def update_schema(schema: schema_pb2.Schema, statistics: Statistics) -> schema_pb2.Schema:
    """Return the schema widened so that it allows what the statistics show."""
    return library()[VALIDATION].update_schema(schema, statistics)


def anomalies(
    statistics: Statistics,
    schema: schema_pb2.Schema,
    environment: str = "",
    previous: Statistics | None = None,
    serving: Statistics | None = None,
) -> anomalies_pb2.Anomalies:
    """Return TFDV's anomalies of statistics against a schema and other statistics.

    Args:
        statistics: of one data set.
        schema: what it should be like.
        environment: schema environment, "" for none.
        previous: what drift comparators compare with.
        serving: what skew comparators compare with.
    """
    return library()[VALIDATION].validate_statistics(
        statistics,
        schema,
        environment=environment or None,
        previous_statistics=previous,
        serving_statistics=serving,
    )


def merged(states: Sequence[State], schema: bytes | None) -> State:
    """Return the state of all rows of several states.

    Each is made compact first: pickling does that to sketches too, so a state that has travelled
    gives the same bits as one that has not.
    """
    columns = zip(*(state.accumulators for state in states), strict=True)
    pairs = zip(generators(schema), columns, strict=True)
    return State(
        [one.merge_accumulators([one.compact(a) for a in column]) for one, column in pairs]
    )
