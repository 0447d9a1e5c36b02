"""Our engines beside the libraries' own Beam pipelines, imports excluded, in turns.

Usage: engines.py CSV FOLDER ROUNDS   (in the training environment; `bench.py` calls it)

The last line is JSON: step -> way -> wall and processor seconds of every round. `beam` is the
library's pipeline as our step runs it where `compute` asks for Beam; `tft` is TFT's alone, with
TFRecord examples in and out as TFX has them. Validation and transform have the rows in two splits.
The evaluation scores all rows, with 15 metrics on 25 slices, by a model that is trained first.
"""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kanaria.components.shared.imports import training

training.load(*training.LIBRARIES, "apache_beam")

import bare_tft  # noqa: E402

from kanaria.components.evaluate.evaluate import Request, evaluate  # noqa: E402
from kanaria.components.evaluate.measure_models import Inputs  # noqa: E402
from kanaria.components.ingest.ingest import ingest  # noqa: E402
from kanaria.components.shared.data.schema_file import read_schema  # noqa: E402
from kanaria.components.shared.engines.beam import Beam  # noqa: E402
from kanaria.components.shared.engines.local import LocalEngine  # noqa: E402
from kanaria.components.train.request import TrainRequest  # noqa: E402
from kanaria.components.train.train import train  # noqa: E402
from kanaria.components.transform import user_code  # noqa: E402
from kanaria.components.transform.transform import TransformRequest, transform  # noqa: E402
from kanaria.components.validate.validate import Targets, ValidateRequest, validate  # noqa: E402

HERE = Path(__file__).parent
MODULE = HERE.parent / "integration/taxi/taxi_module.py"
Work = Callable[[Path], object]
ENGINES = {"kanaria": LocalEngine(), "beam": Beam(())}


def _seconds(work: Callable[[], object]) -> dict[str, float]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}


def _works(data: str, folder: Path) -> dict[str, dict[str, Work]]:
    """Return step -> way -> what does its work, its results below a new folder."""
    ingest(data, folder / "examples", splits="train=2,eval=1")
    ingest(data, folder / "records", splits="train=2,eval=1", examples_format="tfrecord")
    ingest(data, folder / "scored", splits="eval=1")
    _validated(folder, LocalEngine(), folder)
    _transformed(folder, LocalEngine(), folder)
    request = TrainRequest(
        examples=folder / "examples",
        transformed_examples=folder / "transformed",
        schema=folder / "schema",
        transform_graph=folder / "graph",
        module_file=str(MODULE),
        train_steps=1_000,
        eval_steps=100,
    )
    train(request, folder / "model", folder / "logs")
    steps = {"validate": _validated, "transform": _transformed, "evaluate": _evaluated}
    works: dict[str, dict[str, Work]] = {
        step: {way: partial(work, folder, engine) for way, engine in ENGINES.items()}
        for step, work in steps.items()
    }
    works["transform"]["tft"] = partial(_by_tft, folder)
    return works


def _validated(folder: Path, engine: Any, target: Path) -> None:
    names = ("statistics", "schema", "anomalies", "outcome", "report")
    targets = Targets(**{name: target / name for name in names})
    validate(ValidateRequest(examples=folder / "examples"), targets, engine)


def _transformed(folder: Path, engine: Any, target: Path) -> None:
    request = TransformRequest(
        examples=folder / "examples", schema=folder / "schema", module_file=str(MODULE)
    )
    transform(request, target / "graph", target / "transformed", engine)


def _by_tft(folder: Path, target: Path) -> None:
    schema = read_schema(folder / "schema/schema.pbtxt")
    splits = {name: str(folder / f"records/split={name}/part-*") for name in ("train", "eval")}
    function = user_code.load(str(MODULE), "preprocessing_fn", {}, schema)
    bare_tft.transform(splits, schema, function, target)


def _evaluated(folder: Path, engine: Any, target: Path) -> None:
    inputs = Inputs(
        examples=str(folder / "scored"),
        model=str(folder / "model"),
        eval_config_file=str(HERE / "taxi/fifteen_metrics.pbtxt"),
        split="eval",
    )
    request = Request(
        inputs=inputs, evaluation=str(target / "evaluation"), report=str(target / "report.html")
    )
    evaluate(request, engine)


def _takes_part(step: str, way: str, index: int) -> bool:
    """Tell whether a way is measured in a round; TFMA's minutes are in two of them."""
    return (step, way) != ("evaluate", "beam") or index < 2


def main(data: str, folder: Path, rounds: int) -> None:
    """Let the ways do the work of each step in turns, and print the seconds of all rounds."""
    by_step: dict[str, dict[str, list[dict[str, float]]]] = {}
    for step, ways in _works(data, folder).items():
        by_step[step] = {way: [] for way in ways}
        for index in range(rounds):
            for way, work in ways.items():
                if _takes_part(step, way, index):
                    target = folder / f"{step}-{way}-{index}"
                    target.mkdir()
                    by_step[step][way].append(_seconds(partial(work, target)))
    sys.stdout.write(f"\n{json.dumps(by_step)}\n")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
