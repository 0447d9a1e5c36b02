"""The work of transform_data."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.shared import atomic, examples
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.metadata import described
from kanaria.components.shared.parameters import Faults
from kanaria.components.shared.schema_file import read_schema
from kanaria.components.transform import beam_engine, check_rows, user_code
from kanaria.components.transform.cause import guarded
from kanaria.components.transform.materialize import Transform

ANALYZED_SPLIT = "train"
LOGGER = logging.getLogger(__name__)


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

    def metadata(self, span: str) -> dict[str, dict[str, Any]]:
        """Return output -> its artifact's metadata, for data of this span."""
        facts = {"materialized": self.materialize, "span": span}
        names = ("transform_graph", "transformed_examples")
        return {name: described(name, facts, span) for name in names}


def transform(request: TransformRequest, graph: Path, transformed: Path) -> None:
    """Write the transform graph and, if asked, the transformed examples: both or neither.

    Raises:
        ParameterError: a parameter is empty.
        DataError: there is no `train` split, or the data does not fit the schema.
        UserCodeError: the user's function does not load, or fails.
    """
    faults = Faults("transform_data")
    faults.check(bool(request.module_file), "module_file", "", "name a .py file or a module")
    faults.check(bool(request.preprocessing_fn), "preprocessing_fn", "", "name a function")
    faults.raise_if_any()
    _quiet()
    schema = read_schema(request.schema / "schema.pbtxt")
    function = user_code.load(
        request.module_file, request.preprocessing_fn, request.custom_config, schema
    )
    splits = _checked_splits(request.examples, schema)
    where = f"{request.module_file}: {request.preprocessing_fn} on split "
    with atomic.published(graph) as new_graph, atomic.published(transformed) as new_examples:
        new_graph.mkdir()
        arguments = (splits[ANALYZED_SPLIT], schema, function, new_graph)
        guarded(where + ANALYZED_SPLIT, beam_engine.analyze, *arguments)
        LOGGER.info("Analysed split %s.", ANALYZED_SPLIT)
        new_examples.mkdir()
        saved = Transform(schema, new_graph)
        for split, files in splits.items():
            place = where + split
            if request.materialize:
                folder = examples.split_folder(new_examples, split)
                guarded(place, saved.write, files, folder, place)
            else:
                guarded(place, saved.check, files, place)
            LOGGER.info("Transformed split %s.", split)
        if not request.materialize:
            (new_examples / examples.NOT_MATERIALIZED).touch()


def _checked_splits(artifact: Path, schema: Any) -> dict[str, list[Path]]:
    """Return the files of every split, whose rows fit the schema; the analysed one first."""
    splits = {ANALYZED_SPLIT: examples.split_files(artifact, ANALYZED_SPLIT)}
    for split in examples.split_names(artifact):
        splits[split] = examples.split_files(artifact, split)
    for split, files in splits.items():
        rows = check_rows.check(files, schema, f"split {split}")
        if split == ANALYZED_SPLIT and not rows:
            raise DataError(f"{artifact}: split {split} has no rows to analyse; give it more data")
    return splits


def _quiet() -> None:
    """Keep the libraries' progress notes, some for every feature, out of the step's log."""
    for name in ("absl", "tensorflow", "apache_beam"):
        logging.getLogger(name).setLevel(logging.WARNING)
