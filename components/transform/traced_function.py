"""The user's function as TensorFlow graphs: traced by TFT, pruned for a pass, able to travel."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kanaria.components.transform import private_tft

Features = dict[str, Any]
Function = Callable[[Features], Features]
Specs = Mapping[str, tf.TypeSpec]


@dataclass(frozen=True)
class UserFunction:
    """The user's preprocessing_fn with what TFT needs to trace it.

    Attributes:
        call: feature name -> tensor, to the same.
        specs: of the raw features.
        folder: for files that stand for vocabularies not yet known.
    """

    call: Function
    specs: Specs
    folder: Path

    def tracer(self, values: Mapping[str, Any], module: tf.Module, names: Any = None) -> Any:
        """Return TFT's tf.function of it, not yet traced.

        Args:
            values: name of an analyzer's tensor -> its value; other analyzers are placeholders.
            module: keeps what is created while it is traced.
            names: output -> name of the tensor that it is; None for the function's own.
        """
        context = private_tft.TFGraphContext(
            module_to_export=module, temp_dir=str(self.folder), evaluated_replacements=dict(values)
        )
        return private_tft.impl_helper.get_traced_transform_fn(
            self.call, self.specs, context, output_keys_to_name_map=names
        )


class Traced:
    """One trace of the function, which keeps alive what was created in it, such as tables."""

    def __init__(self, function: UserFunction, values: Mapping[str, Any]) -> None:
        """Trace `function` with the values of the analyzers that are known."""
        self._function, self._values = function, dict(values)
        self._module = tf.Module()
        self._variables: list[Any] = []
        resources = private_tft.tracking.ResourceTracker()
        objects = private_tft.annotators.ObjectTracker()
        self._alive = resources, objects
        with (
            private_tft.tracking.resource_tracker_scope(resources),
            private_tft.annotators.object_tracker_scope(objects),
            tf.variable_creator_scope(self._keep),
        ):
            tracer = function.tracer(values, self._module)
            self._concrete = tracer.get_concrete_function()
        self.graph = self._concrete.graph
        self.inputs = private_tft.tf2_utils.get_structured_inputs_from_func_graph(self.graph)
        self.outputs = self._concrete.structured_outputs

    def _keep(self, create: Callable[..., Any], **named: Any) -> Any:
        variable = create(**named)
        self._variables.append(variable)
        return variable

    def sinks(self) -> list[Any]:
        """Return the analyzers' tensors that have no value yet, with the operations behind."""
        return list(self.graph.get_collection(private_tft.analyzer_nodes.TENSOR_REPLACEMENTS))

    def part(self, names: Iterable[str]) -> "PassGraph":
        """Return the part of the graph that gives the named tensors, of the features they need."""
        wanted = {name: self.graph.get_tensor_by_name(name) for name in sorted(set(names))}
        needed = private_tft.graph_tools.get_dependent_inputs(self.graph, self.inputs, wanted)
        specs = self._concrete.structured_input_signature[0][0]
        holder = private_tft.wrap_function.VariableHolder(share_variables=True)
        whole = private_tft.wrap_function.WrappedFunction(self.graph, variable_holder=holder)
        run = whole.prune(
            feeds=tf.nest.flatten(needed, expand_composites=True),
            fetches=wanted,
            input_signature=(({name: specs[name] for name in needed},), {}),
        )
        return PassGraph(run, tuple(needed), tuple(self.inputs), lambda: self._saved(list(wanted)))

    def _saved(self, names: list[str]) -> bytes:
        """Return a SavedModel that gives the named tensors, as TFT writes one, zipped."""
        module = tf.Module()
        tracer = self._function.tracer(self._values, module, {name: name for name in names})
        with TemporaryDirectory() as folder:
            private_tft.saved_transform_io_v2.write_v2_saved_model(
                module, tracer, "transform_fn", folder
            )
            packed = BytesIO()
            with ZipFile(packed, "w") as archive:
                for path in sorted(Path(folder).rglob("*")):
                    archive.write(path, path.relative_to(folder))
        return packed.getvalue()


@dataclass(frozen=True)
class PassGraph:
    """What a pass computes of each batch; in another process it is loaded from a SavedModel.

    Attributes:
        run: raw features, as tensors, to tensor name -> tensor.
        features: names of the raw features that it takes.
        all_features: those that the SavedModel takes. TensorFlow keeps the assertions of the whole
            function in it, which fail where a feature that nothing else needs has one row.
        save: the SavedModel of it, zipped.
    """

    run: Callable[[Features], Features]
    features: tuple[str, ...]
    all_features: tuple[str, ...]
    save: Callable[[], bytes] = field(repr=False)

    def __call__(self, features: Features) -> dict[str, npt.NDArray[Any]]:
        """Return tensor name -> values for a batch of raw features, as tensors."""
        return {name: np.asarray(value) for name, value in self.run(features).items()}

    def __reduce__(self) -> tuple[Callable[..., "PassGraph"], tuple[bytes, tuple[str, ...]]]:
        """Travel as a SavedModel: neither graph nor user code is picklable."""
        return _loaded, (self.save(), self.all_features)


@lru_cache(maxsize=8)
def _loaded(saved: bytes, features: tuple[str, ...]) -> PassGraph:
    with TemporaryDirectory() as folder:
        ZipFile(BytesIO(saved)).extractall(folder)
        loader = private_tft.saved_transform_io_v2.SavedModelLoader(folder)
    loader.finalize(features, loader.structured_outputs)
    return PassGraph(loader.apply_transform_model, features, features, lambda: saved)
