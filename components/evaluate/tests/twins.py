"""The same rows evaluated by accumulators, in partitions, and by TFMA's own pipeline on Beam."""

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow_model_analysis as tfma
from google.protobuf import text_format

from kanaria.components.evaluate import eval_config, evaluation_pass, metric_plan, tfma_results
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.evaluation_accumulator import Result
from kanaria.components.evaluate.evaluation_pass import Split
from kanaria.components.evaluate.model_signature import LoadedModel

LISTS = {
    "i": pa.large_list(pa.int64()),
    "f": pa.large_list(pa.float32()),
    "t": pa.large_list(pa.large_binary()),
}


def column(kind: str, values: Any) -> pa.Array:
    """Return a column of lists; a single value is a list of one, None is missing."""
    rows = [value if isinstance(value, list) or value is None else [value] for value in values]
    return pa.array(rows, LISTS[kind])


def parsed(text: str, *, with_baseline: bool = False) -> Any:
    """Return an EvalConfig for one model, or for a candidate and its baseline."""
    config = text_format.Parse(text, tfma.EvalConfig())
    return eval_config.for_models(config, with_baseline=with_baseline)


def models_of(config: Any) -> tuple[LoadedModel, ...]:
    """Return models by name alone; their predictions are given with the rows."""
    return tuple(
        LoadedModel(name=spec.name, folder=Path("/models") / spec.name, predict=None)  # type: ignore[arg-type]
        for spec in config.model_specs
    )


def split_of(config: Any) -> Split:
    """Return a split whose rows are given."""
    return Split(config=config, name="eval", files=(), partitions=(), models=models_of(config))


def accumulated(rows: Rows, config: Any, folder: Path, parts: int = 1) -> Result:
    """Evaluate rows by accumulators: partitions of one batch each, merged."""
    accumulator = evaluation_pass.accumulator_of(config, "eval")
    edges = np.linspace(0, len(rows), parts + 1).astype(int).tolist()
    states = []
    for number, (start, stop) in enumerate(itertools.pairwise(edges)):
        part = rows.part(start, stop)
        batch = Rows(
            table=part.table,
            predictions=part.predictions,
            derived=part.derived,
            number=(number, 0),
        )
        states.append(accumulator.add(accumulator.create(), batch))
    return evaluation_pass.finished(
        accumulator, accumulator.merge(states), split_of(config), folder
    )


def on_beam(rows: Rows, config: Any, folder: Path) -> None:
    """Evaluate rows by TFMA's pipeline."""
    metric_plan.of(eval_config.packed(config))
    evaluation_pass.with_beam([rows], config, models_of(config), folder)


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Where the three put their files."""

    once: Path
    parts: Path
    beam: Path
    candidate: str

    def numbers(self, folder: Path) -> dict[Any, Any]:
        return tfma_results.load(folder, self.candidate).numbers


def twins(folder: Path, rows: Rows, config: Any, parts: int = 3) -> Twins:
    """Evaluate rows all three ways."""
    made = Twins(
        once=folder / "once",
        parts=folder / "parts",
        beam=folder / "beam",
        candidate=config.model_specs[0].name,
    )
    for each in (made.once, made.parts, made.beam):
        each.mkdir(parents=True)
    # Some of TFMA's metrics change the predictions that they are given.
    accumulated(copy.deepcopy(rows), config, made.once)
    accumulated(copy.deepcopy(rows), config, made.parts, parts)
    on_beam(copy.deepcopy(rows), config, made.beam)
    return made


def equal(first: Any, second: Any, tolerance: float) -> list[str]:
    """Return where two sets of numbers by slice and metric differ."""
    wrong = [f"slices {first.keys() ^ second.keys()}"] if first.keys() != second.keys() else []
    for key in first.keys() & second.keys():
        if first[key].keys() != second[key].keys():
            wrong.append(f"metrics of {key}: {first[key].keys() ^ second[key].keys()}")
        for metric in first[key].keys() & second[key].keys():
            a, b = first[key][metric], second[key][metric]
            if not np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True):
                wrong.append(f"{key} {metric.name} {metric.sub_key} {a!r} {b!r}")
    return wrong


def different_plots(first: Path, second: Path, tolerance: float) -> list[str]:
    """Return where the plots of two folders differ."""
    ours, theirs = _plots(first), _plots(second)
    wrong = [f"plots {ours.keys() ^ theirs.keys()}"] if ours.keys() != theirs.keys() else []
    for key in ours.keys() & theirs.keys():
        (names, values), (others, expected) = ours[key], theirs[key]
        close = names == others and np.allclose(
            values, expected, rtol=tolerance, atol=tolerance, equal_nan=True
        )
        wrong += [] if close else [f"plot {key}"]
    return wrong


def _plots(folder: Path) -> dict[tuple[str, str], tuple[list[str], list[float]]]:
    """Return (slice, key) -> names and values of all numbers of a plot."""
    by_name = {}
    for entry in tfma.load_plots(str(folder)):
        for pair in entry.plot_keys_and_values:
            named = list(_numbers(pair.value))
            names, values = [name for name, _ in named], [value for _, value in named]
            by_name[str(entry.slice_key), str(pair.key)] = names, values
    return by_name


def _numbers(message: Any) -> Iterator[tuple[str, float]]:
    for field, value in message.ListFields():
        for each in value if field.label == field.LABEL_REPEATED else [value]:
            if hasattr(each, "ListFields"):
                yield from _numbers(each)
            else:
                yield field.name, each
