"""The work of transform_data."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.metadata import described
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import examples
from kanaria.components.shared.data.examples import format_of
from kanaria.components.shared.data.schema_file import read_schema
from kanaria.components.shared.data.write_examples import part_file
from kanaria.components.shared.engines import engine_choice
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import atomic
from kanaria.components.transform import analysis, check_rows, user_code
from kanaria.components.transform.failure_cause import guarded
from kanaria.components.transform.materialize import Part, materialize

ANALYZED_SPLIT = "train"
LOCAL = LocalEngine()
Files = Mapping[Path, int]
"""File of a split -> how many rows it has, in the order of the rows."""
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
        compute: where the step computes, as `run` takes it; {} for the defaults.
    """

    examples: Path
    schema: Path
    module_file: str
    preprocessing_fn: str = "preprocessing_fn"
    materialize: bool = True
    custom_config: dict[str, Any] = field(default_factory=dict)
    compute: Mapping[str, Any] = field(default_factory=dict)

    @property
    def analyzer_cache(self) -> str:
        """Folder or URI that keeps the analyzers' states between runs, or ""."""
        return str(self.compute.get("analyzer_cache", ""))

    def metadata(self, span: str) -> dict[str, dict[str, Any]]:
        """Return output -> its artifact's metadata, for data of this span."""
        facts = {"materialized": self.materialize, "span": span}
        names = ("transform_graph", "transformed_examples")
        return {name: described(name, facts, span) for name in names}


def run(request: TransformRequest, graph: Path, transformed: Path) -> None:
    """Do the step's work with the engine that the request asks for.

    Raises:
        ParameterError: a parameter, or something in `compute`, is wrong.
        NotReadyError: the cluster does not answer.
        DataError: there is no `train` split, or the data does not fit the schema.
        UserCodeError: the user's function does not load, or fails.
    """
    with engine_choice.engine(request.compute, "transform_data", [request.examples]) as engine:
        transform(request, graph, transformed, engine)


def transform(
    request: TransformRequest,
    graph: Path,
    transformed: Path,
    engine: Engine | Beam = LOCAL,
) -> None:
    """Write the transform graph and, if asked, the transformed examples: both or neither.

    Args:
        request: what to transform.
        graph: new folder for what `tft.TFTransformOutput` loads.
        transformed: new folder for the transformed examples.
        engine: where the data is read; with Beam TFT's own pipeline analyses it, and this
            process transforms it.

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
        guarded(where + ANALYZED_SPLIT, _analyze, *arguments, engine, request.analyzer_cache)
        LOGGER.info("Analysed split %s.", ANALYZED_SPLIT)
        new_examples.mkdir()
        for split, files in splits.items():
            place = where + split
            folder = examples.split_folder(new_examples, split) if request.materialize else None
            parts = [
                Part(
                    file=file,
                    graph=new_graph,
                    schema=schema.SerializeToString(),
                    place=place,
                    target=folder and part_file(folder, format_of(file), number, len(files)),
                )
                for number, file in enumerate(files)
            ]
            guarded(
                place, materialize, parts, folder, LOCAL if isinstance(engine, Beam) else engine
            )
            LOGGER.info("Transformed split %s.", split)
        if not request.materialize:
            (new_examples / examples.NOT_MATERIALIZED).touch()


def _analyze(
    files: Files, schema: Any, function: Any, target: Path, engine: Engine | Beam, cache: str
) -> None:
    """Analyse with one of Kanaria's engines; what only Beam can do goes to Beam."""
    if not isinstance(engine, Beam):
        try:
            return analysis.analyze(files, schema, function, target, engine, cache)
        except analysis.OnlyBeamError as error:
            LOGGER.info("Beam analyses: only it can run %s.", error)
            engine = Beam()
    if cache:
        LOGGER.warning("Beam analyses all rows anew; compute.analyzer_cache is not for Beam.")
    from kanaria.components.transform import beam_engine  # It imports Beam.

    return beam_engine.analyze(list(files), schema, function, target, engine)


def _checked_splits(artifact: Path, schema: Any) -> dict[str, Files]:
    """Return file -> rows of every split, whose rows fit the schema; the analysed one first."""
    names = dict.fromkeys([ANALYZED_SPLIT, *examples.split_names(artifact)])
    splits: dict[str, Files] = {}
    for split in names:
        files = examples.split_files(artifact, split)
        splits[split] = check_rows.check(files, schema, f"split {split}")
    if not sum(splits[ANALYZED_SPLIT].values()):
        raise DataError(
            f"{artifact}: split {ANALYZED_SPLIT} has no rows to analyse; give it more data"
        )
    return splits


def _quiet() -> None:
    """Keep the libraries' progress notes, some for every feature, out of the step's log."""
    for name in ("absl", "tensorflow", "apache_beam"):
        logging.getLogger(name).setLevel(logging.WARNING)
