"""Our engines beside the libraries' own Beam pipelines, imports excluded, in turns.

Usage: engines.py CSV FOLDER ROUNDS   (in the training environment; `bench.py` calls it)

The last line is JSON: statistics, transform and evaluate, each with wall and processor seconds of
every round. The model that is evaluated is trained first; its eval split, 25 slices and 15 metrics
are the same for both.
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

from kanaria.components.evaluate.evaluate import Request, evaluate  # noqa: E402
from kanaria.components.evaluate.measure import Inputs  # noqa: E402
from kanaria.components.ingest.ingest import ingest  # noqa: E402
from kanaria.components.shared.engines.beam import Beam  # noqa: E402
from kanaria.components.shared.engines.local import LocalEngine  # noqa: E402
from kanaria.components.train.request import TrainRequest  # noqa: E402
from kanaria.components.train.train import train  # noqa: E402
from kanaria.components.transform.transform import TransformRequest, transform  # noqa: E402
from kanaria.components.validate.validate import Targets, ValidateRequest, validate  # noqa: E402

HERE = Path(__file__).parent
MODULE = HERE.parent / "integration/taxi/taxi_module.py"
ENGINES = {"kanaria": LocalEngine(), "beam": Beam(())}


def _seconds(work: Callable[[], object]) -> dict[str, float]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}


def _works(data: str, folder: Path) -> dict[str, Callable[[Any, Path], object]]:
    """Return step -> what does its work with an engine, its results below a new folder."""
    examples, schema = folder / "examples", folder / "schema"
    graph, transformed, model = folder / "graph", folder / "transformed", folder / "model"
    ingest(data, examples, splits="train=2,eval=1")

    def validated(engine: Any, target: Path) -> object:
        names = ("statistics", "schema", "anomalies", "outcome", "report")
        targets = Targets(**{name: target / name for name in names})
        return validate(ValidateRequest(examples=examples), targets, engine)

    validated(ENGINES["kanaria"], folder)
    request = TransformRequest(examples=examples, schema=schema, module_file=str(MODULE))
    transform(request, graph, transformed, ENGINES["kanaria"])
    training = TrainRequest(
        examples=examples,
        transformed_examples=transformed,
        schema=schema,
        transform_graph=graph,
        module_file=str(MODULE),
        train_steps=1_000,
        eval_steps=100,
    )
    train(training, model, folder / "logs")
    inputs = Inputs(
        examples=str(examples),
        model=str(model),
        eval_config_file=str(HERE / "taxi/fifteen_metrics.pbtxt"),
        split="eval",
    )
    return {
        "validate": validated,
        "transform": lambda engine, target: transform(
            request, target / "graph", target / "transformed", engine
        ),
        "evaluate": lambda engine, target: evaluate(
            Request(
                inputs=inputs,
                evaluation=str(target / "evaluation"),
                report=str(target / "report.html"),
            ),
            engine,
        ),
    }


def main(data: str, folder: Path, rounds: int) -> None:
    """Let both engines do the work of each step in turns, and print the seconds of all rounds."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for step, work in _works(data, folder).items():
        found[step] = {name: [] for name in ENGINES}
        for index in range(rounds):
            for name, engine in ENGINES.items():
                target = folder / f"{step}-{name}-{index}"
                target.mkdir()
                found[step][name].append(_seconds(partial(work, engine, target)))
    sys.stdout.write(f"\n{json.dumps(found)}\n")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
