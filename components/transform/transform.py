"""The work of transform_data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.shared import atomic, examples
from kanaria.components.shared.errors import KanariaError, UserCodeError, shown
from kanaria.components.shared.parameters import Faults
from kanaria.components.shared.tensors import adapter
from kanaria.components.transform import beam_engine, user_code
from kanaria.components.transform.materialize import materialize

ANALYZED_SPLIT = "train"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformRequest:
    """What to transform and with which user function.

    Attributes:
        examples: raw examples artifact; its `train` split is analysed, all are transformed.
        schema: folder with `schema.pbtxt`.
        module_file: path of a `.py` file, or an importable name.
        preprocessing_fn: name of the function in it.
        materialize: whether transformed examples are written.
        custom_config: passed to a function that takes it.
    """

    examples: Path
    schema: Path
    module_file: str
    preprocessing_fn: str = "preprocessing_fn"
    materialize: bool = True
    custom_config: dict[str, Any] = field(default_factory=dict)


def transform(request: TransformRequest, graph: Path, transformed: Path) -> None:
    """Write the transform graph and, if asked, the transformed examples.

    Raises:
        ParameterError: a parameter is empty.
        DataError: there is no `train` split, or the data does not fit the schema.
        UserCodeError: the user's function does not load, or fails.
    """
    faults = Faults("transform_data")
    faults.check(bool(request.module_file), "module_file", "", "name a .py file or a module")
    faults.check(bool(request.preprocessing_fn), "preprocessing_fn", "", "name a function")
    faults.raise_if_any()
    function = user_code.load(request.module_file, request.preprocessing_fn, request.custom_config)
    schema = adapter.read_schema(request.schema / "schema.pbtxt")
    files = examples.split_files(request.examples, ANALYZED_SPLIT)
    with atomic.published(graph) as temporary:
        temporary.mkdir()
        _analyze(files, schema, function, temporary)
    with atomic.published(transformed) as temporary:
        temporary.mkdir()
        if not request.materialize:
            (temporary / examples.NOT_MATERIALIZED).touch()
            return
        for split in examples.split_names(request.examples):
            parts = examples.split_files(request.examples, split)
            materialize(parts, schema, graph, examples.split_folder(temporary, split))


def _analyze(files: list[Path], schema: Any, function: Any, target: Path) -> None:
    """Run the engine; whatever Beam wraps around a cause, the cause is what is raised."""
    try:
        beam_engine.analyze(files, schema, function, target)
        atomic.remove(target / ".beam")
    except KanariaError:
        raise
    except Exception as error:  # TFT and Beam raise anything for what the user's graph asks.
        raise UserCodeError(
            f"preprocessing_fn: analysis failed with {type(error).__name__}: "
            f"{shown(str(error).strip().splitlines()[0] if str(error).strip() else '')}"
        ) from error
