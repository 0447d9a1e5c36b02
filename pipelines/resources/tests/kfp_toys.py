"""Small pipelines, compiled as they are or with a setting that kfp's own functions made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl

Change = Callable[[Any], object]


@dsl.component(base_image="registry.example.com/cook:1", install_kfp_package=False)
def cook(dish: str) -> str:
    return dish


@dsl.component(base_image="registry.example.com/cook:1", install_kfp_package=False)
def serve(dish: str) -> str:
    return dish


def _compiled(pipeline: Any, folder: Path) -> list[Any]:
    path = folder / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return list(yaml.safe_load_all(path.read_text()))


def meal(folder: Path, change: Change = lambda _: None) -> list[Any]:
    """Return a pipeline of two steps, with a change made to the first, cook."""

    @dsl.pipeline(name="meal")
    def meal(dish: str = "rice") -> None:
        cooked = cook(dish=dish)
        change(cooked)
        serve(dish=cooked.output)

    return _compiled(meal, folder)


def courses(folder: Path, change: Change = lambda _: None) -> list[Any]:
    """Return a pipeline that cooks twice, with a change made to the second time, cook-2."""

    @dsl.pipeline(name="courses")
    def courses(dish: str = "rice") -> None:
        cook(dish=dish)
        change(cook(dish="soup"))

    return _compiled(courses, folder)


def nested(folder: Path) -> list[Any]:
    """Return a pipeline with a step in a condition in a loop, and one called anew."""

    @dsl.pipeline(name="nested")
    def nested(dish: str = "rice") -> None:
        first = cook(dish=dish).set_display_name("First dish")
        with dsl.If(first.output == "rice"), dsl.ParallelFor(["a", "b"]) as guest:
            serve(dish=guest)

    return _compiled(nested, folder)


def sharing(folder: Path) -> list[Any]:
    """Return `courses` with one component for both tasks, as earlier compilers wrote it."""
    document, *others = courses(folder)
    document["root"]["dag"]["tasks"]["cook-2"]["componentRef"]["name"] = "comp-cook"
    del document["components"]["comp-cook-2"]
    del document["deploymentSpec"]["executors"]["exec-cook-2"]
    return [document, *others]
