"""TFT's analysis without Beam: pass by pass over the data, on any of Kanaria's engines.

TFT traces the user's function and describes its analyzers; those whose inputs are known are
worked out in one pass over the data, their values enter the graph, and so on until none is left.
TFT itself then writes the graph, so what comes out is what its Beam engine writes.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx_bsl.public.tfxio import TensorAdapter, TensorAdapterConfig

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import partitions as shared
from kanaria.components.shared.data.partitions import Partition
from kanaria.components.shared.engines.accumulate import Accumulator, Engine, Pass
from kanaria.components.shared.storage import atomic
from kanaria.components.shared.tensors import adapter
from kanaria.components.transform import (
    analyzer_cache,
    analyzer_operations,
    pass_digest,
    private_tft,
    stable_graph,
)
from kanaria.components.transform.analyzer_cache import AnalyzerCache
from kanaria.components.transform.analyzer_operations import Results
from kanaria.components.transform.pass_digest import UntoldError
from kanaria.components.transform.traced_function import Function, PassGraph, Traced, UserFunction

LOGGER = logging.getLogger(__name__)
Values = npt.NDArray[Any]

# TFT combines some analyzers batch by batch, so their results depend on this number.
ROWS_PER_BATCH = 1_000
# Files are read in larger blocks, a multiple of it: each read costs as much as a thousand rows.
ROWS_PER_BLOCK = 10_000


class OnlyBeamError(Exception):
    """The function has analyzers that only Beam can run; `str` names them."""


ROWS_PER_PARTITION = 1_000_000
"""Larger files are cut. Merging changes last digits, so partitions depend on the data alone."""


def partitions(files: Mapping[Path, int]) -> list[Partition]:
    """Return the parts of a split of which the rows of each file are known, files apart."""
    return shared.partitions([file for file, rows in files.items() if rows], ROWS_PER_PARTITION)


def read(graph: PassGraph, schema: bytes, part: Partition) -> Iterator[dict[str, Values]]:
    """Yield what a pass's graph gives for each batch of a partition."""
    config = adapter.adapter_config(schema_pb2.Schema.FromString(schema))
    needed = _representations(config, graph)
    to_tensors = TensorAdapter(TensorAdapterConfig(config.arrow_schema, needed))
    # tfx_bsl makes no ragged tensor of a part of a block.
    is_ragged = any(kind.HasField("ragged_tensor") for kind in needed.values())
    for block in shared.batches(part, ROWS_PER_BATCH if is_ragged else ROWS_PER_BLOCK):
        whole = adapter.conform(block, config.arrow_schema)
        for start in range(0, whole.num_rows, ROWS_PER_BATCH):
            yield graph(to_tensors.ToBatchTensors(whole.slice(start, ROWS_PER_BATCH)))


def _representations(config: TensorAdapterConfig, graph: PassGraph) -> dict[str, Any]:
    """Return feature -> how its tensor is made, for the features that a pass needs."""
    return {name: config.tensor_representations[name] for name in graph.features}


def _digest(graph: PassGraph, schema: bytes, accumulators: Sequence[Accumulator]) -> str:
    """Return the digest of all that a traced pass's states depend on, beside the rows.

    Raises:
        UntoldError: it depends on more.
    """
    config = adapter.adapter_config(schema_pb2.Schema.FromString(schema))
    made = [
        f"{name} {kind.SerializeToString(deterministic=True).hex()}"
        for name, kind in _representations(config, graph).items()
    ]
    computed = pass_digest.of(graph.run, accumulators)
    columns = config.arrow_schema.to_string()
    return fingerprint.of_text(analyzer_cache.program(), computed, columns, *made)


def analyze(
    files: Mapping[Path, int],
    schema: schema_pb2.Schema,
    preprocessing_fn: Function,
    target: Path,
    engine: Engine,
    cache: str = "",
) -> None:
    """Run the full passes of `preprocessing_fn` over `files` and write the graph to `target`.

    Args:
        files: file of the split to analyse -> its number of rows.
        schema: the raw features.
        preprocessing_fn: TFX-style; takes and returns feature name -> tensor.
        target: folder to write `transform_fn`, `transformed_metadata` and `metadata` into.
        engine: where the passes are done.
        cache: folder or URI where the first pass's states are kept, "" for none.

    Raises:
        NotReadyError: the cache's store does not answer.
        OnlyBeamError: an analyzer is a user's own Beam code; nothing was read or written.
        ValueError: the function has trainable variables.
    """
    temporary = target / ".analysis"
    folder = temporary / "tftransform_tmp"  # TFT's own name for it, which enters the graph.
    folder.mkdir(parents=True)
    specs = TensorAdapter(adapter.adapter_config(schema)).OriginalTypeSpecs()
    function = UserFunction(preprocessing_fn, specs, folder)
    first = Traced(function, {})
    others = analyzer_operations.unknown(first.sinks())
    if others:
        atomic.remove(temporary)
        raise OnlyBeamError(", ".join(others))
    if first.graph.get_collection(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES):
        raise ValueError("the function has trainable variables; train them before, load constants")
    work = _Work(
        engine=engine,
        schema=schema.SerializeToString(),
        parts=partitions(files),
        cache=AnalyzerCache(uri=cache, scratch=temporary / "states") if cache else None,
    )
    values = _values(function, first, work)
    _write(function, first, values, target)
    stable_graph.forget_folder(target / "transform_fn", temporary)
    metadata = dataset_metadata.DatasetMetadata(schema)
    private_tft.metadata_io.write_metadata(metadata, str(target / "metadata"))
    atomic.remove(temporary)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """Passes over the parts of the split."""

    engine: Engine
    schema: bytes
    parts: Sequence[Partition]
    cache: AnalyzerCache | None

    def states(self, graph: PassGraph, accumulators: Sequence[Accumulator]) -> list[Any]:
        """Return the states of one pass over all parts."""
        return self.engine.states(self._pass(graph, accumulators), self.parts)

    def first_states(self, graph: PassGraph, accumulators: Sequence[Accumulator]) -> list[Any]:
        """Return the states of the first pass; what later ones compute depends on all parts."""
        if self.cache is None or not accumulators:
            return self.states(graph, accumulators)
        try:
            digest = _digest(graph, self.schema, accumulators)
        except UntoldError as error:
            LOGGER.warning("The analyzer cache is not used for this function: %s.", error)
            return self.states(graph, accumulators)
        work = self._pass(graph, accumulators)
        return self.cache.states(self.engine, work, digest, self.parts)

    def _pass(self, graph: PassGraph, accumulators: Sequence[Accumulator]) -> Pass:
        return Pass(read=partial(read, graph, self.schema), accumulators=tuple(accumulators))


def _values(function: UserFunction, first: Traced, work: _Work) -> dict[str, Any]:
    """Return name of an analyzer's tensor -> its value, as a constant, for all analyzers."""
    results = Results(graph=first.graph, folder=function.folder)
    values: dict[str, Any] = {}
    pending = first.sinks()
    while pending:
        ready = _ready(first, pending, values)
        parts = dict(
            item for sink in ready for item in analyzer_operations.accumulated(sink).items()
        )
        traced = Traced(function, values) if values else first
        graph = traced.part(name for part, names in parts.values() for name in names)
        states = work.states if values else work.first_states
        pass_states = states(graph, [accumulator for accumulator, _ in parts.values()])
        for (label, (accumulator, _)), state in zip(parts.items(), pass_states, strict=True):
            results.states[label] = accumulator.extract(state)
        for sink in ready:
            values[sink.tensor.name] = tf.constant(results.value(sink), sink.tensor.dtype)
        LOGGER.info("Pass over the data: %d of the analyzers' values are known.", len(values))
        pending = [sink for sink in pending if sink.tensor.name not in values]
    return values


def _ready(first: Traced, pending: Sequence[Any], values: dict[str, Any]) -> list[Any]:
    """Return the sinks that depend on nothing but raw features and known values."""
    tensors = [(sink.tensor, sink.tensor.name in values) for sink in first.sinks()]
    graph = private_tft.graph_tools.InitializableGraphAnalyzer(first.graph, first.inputs, tensors)
    return [
        sink
        for sink in pending
        if all(map(graph.ready_to_run, analyzer_operations.tensors_behind(sink)))
    ]


def _write(function: UserFunction, first: Traced, values: dict[str, Any], target: Path) -> None:
    """Write the graph with all values in it, and what TFT tells of its outputs."""
    fingerprints = private_tft.graph_tools.get_analyzers_fingerprint(first.graph, first.inputs)
    saved = target / "transform_fn"
    private_tft.impl_helper.trace_and_write_v2_saved_model(
        str(saved),
        function.call,
        function.specs,
        str(function.folder),
        fingerprints,
        values,
        {},
        None,
    )
    metadata = target / "transformed_metadata"
    (saved / private_tft.impl_helper.METADATA_DIR_NAME).rename(metadata)
    assets = private_tft.annotators.get_asset_annotations(first.graph)
    if assets:
        (metadata / tft.TFTransformOutput.ASSET_MAP).write_text(json.dumps(assets))
