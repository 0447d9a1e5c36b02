"""What tune_model is asked for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.components.train.request import TrainRequest

OF_TRAINING = (
    *("examples", "transformed_examples", "schema", "transform_graph", "module_file"),
    *("train_steps", "eval_steps", "custom_config", "seed"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneRequest:
    """What to search, with which user function.

    Attributes:
        examples: raw examples artifact with splits `train` and `eval`.
        transformed_examples: transformed ones, or an artifact marked as not materialized.
        schema: folder with `schema.pbtxt` of the raw features.
        transform_graph: what `tft.TFTransformOutput` loads.
        module_file: path of a `.py` file, or an importable name.
        tuner_fn: name of the function in it.
        train_steps: steps, 0 for no limit.
        eval_steps: steps, 0 for no limit.
        custom_config: handed to the function.
        max_trials: most trials, 0 for what the tuner says.
        parallel_trials: trials at once, 1 or more.
        seed: of the search, 0 to 2**32 - 1.
        tuner_dir: path or bucket URI where ended trials outlive the step, or "".
    """

    examples: Path
    transformed_examples: Path
    schema: Path
    transform_graph: Path
    module_file: str
    tuner_fn: str = "tuner_fn"
    train_steps: int = 0
    eval_steps: int = 0
    custom_config: dict[str, Any] = field(default_factory=dict)
    max_trials: int = 0
    parallel_trials: int = 1
    seed: int = 0
    tuner_dir: str = ""

    @property
    def training(self) -> TrainRequest:
        """What each trial trains on, as train_model is asked for it."""
        return TrainRequest(**{name: getattr(self, name) for name in OF_TRAINING})


def check(request: TuneRequest, step: str = "tune_model") -> None:
    """Raise ParameterError naming every parameter of a step that is out of range."""
    faults = Faults(step)
    faults.check(bool(request.module_file), "module_file", "", "name a .py file or a module")
    faults.check(bool(request.tuner_fn), "tuner_fn", "", "name a function")
    for name in ("train_steps", "eval_steps", "max_trials"):
        faults.check(getattr(request, name) >= 0, name, getattr(request, name), "use 0 or more")
    at_once = request.parallel_trials
    faults.check(at_once >= 1, "parallel_trials", at_once, "use 1 or more")
    faults.check(0 <= request.seed < 2**32, "seed", request.seed, "use 0 to 2**32 - 1")
    try:
        uri_files.check(request.tuner_dir)
    except ParameterError as error:
        faults.add(f"tuner_dir: {error}")
    faults.raise_if_any()
