"""What is watched, from a YAML file.

- service: flights-delay              # the InferenceService; all its versions, each for itself
  namespace: team                     # else KANARIA_NAMESPACE, as in a cluster; else default
  component: predictor                # or transformer, explainer: whose requests are tested
  name: table                         # of the watch in metrics and reports; one a service
  detector: models/flights-delay/{version}/drift_detector
                                      # folder of a fitted detector, or of Alibi Detect's artefact
                                      # (config.toml): a path, s3://, gs://, ...;
                                      # with {version} each version has its release's own; or
                                      # {kind: mmd, folder: ..., alpha: 0.01}: the kind that must
                                      # lie there, and parameters to change in it
  window: {rows: 1000, minutes: 60}   # one or both; whichever is reached first
  labels: {task: binary, output: "", delay_hours: 24}   # without it, no quality
  verdicts_to: http://broker/drift    # gets each verdict as a CloudEvent; without it, nobody
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift.detector_document import Choice, chosen
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import OF_LABELS, PREDICTOR

MOST_ROWS = 100_000
"""Rows of a window, which bounds the memory; a window by time that has more is cut into several."""
VERSION = "{version}"
"""What stands for the model version in the place of a detector."""
NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME)]


class Part(BaseModel):
    """What all parts of the file share: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowSettings(Part):
    """Where windows end.

    Attributes:
        rows: instances, at least; whole requests.
        minutes: on the clock, by the arrival of requests: at 60, a window ends on the hour.
    """

    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    minutes: Annotated[float, Field(gt=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _ends(self) -> "WindowSettings":
        if self.rows is None and self.minutes is None:
            raise ValueError("name rows, minutes or both")
        return self


class LabelSettings(Part):
    """How predictions are judged by labels.

    Attributes:
        task: of the model.
        output: name of the response's column, "" where it has only one.
        delay_hours: after a window's end, when its labels are counted; later ones are not.
    """

    task: Task
    output: str = ""
    delay_hours: Annotated[float, Field(ge=0, le=10_000)] = 24.0


def _own_namespace() -> str:
    """Return that of the server, which has no token to read it with; on one machine "default"."""
    return os.environ.get("KANARIA_NAMESPACE", "default")


def _choice(document: object) -> Choice:
    """Return the detector that a text or a mapping names; of a text whatever lies there."""
    try:
        choice = (
            chosen(document)
            if isinstance(document, Mapping)
            else Choice(folder=str(document or ""))
        )
    except ParameterError as error:
        raise ValueError(str(error)) from error
    if not choice.folder or not isinstance(document, str | Mapping):
        raise ValueError("name its folder, or {kind: ..., folder: ...}")
    return choice


DetectorOfFolder = Annotated[Choice, PlainValidator(_choice)]
"""A detector in a folder, as a watch names it."""


class Watch(Part):
    """One detector on one service."""

    service: Annotated[str, Field(min_length=1)]
    namespace: Annotated[str, Field(min_length=1, default_factory=_own_namespace)]
    component: Literal["predictor", "transformer", "explainer"] = PREDICTOR
    name: Name = "drift"
    detector: DetectorOfFolder
    window: WindowSettings
    labels: LabelSettings | None = None
    verdicts_to: Annotated[str, Field(pattern=r"^https?://")] | None = None

    @property
    def labels_name(self) -> str:
        """The name under which what labels say is kept."""
        return f"{self.name}{OF_LABELS}"


def read(path: Path) -> tuple[Watch, ...]:
    """Return what the file at `path` asks for.

    Raises:
        ParameterError: it cannot be read, or is wrong; all faults are named.
    """
    return _parsed(yaml_text.read(path), Faults(str(path)))


def _parsed(document: Any, faults: Faults) -> tuple[Watch, ...]:
    try:
        watches = TypeAdapter(tuple[Watch, ...]).validate_python(document)
    except ValidationError as error:
        add_invalid(faults, error)
        faults.raise_if_any()
        raise
    _check_names(watches, faults)
    faults.raise_if_any()
    return watches


def _check_names(watches: Sequence[Watch], faults: Faults) -> None:
    counted = Counter((watch.namespace, watch.service, watch.name) for watch in watches)
    for (namespace, service, name), count in counted.items():
        remedy = f"{count} watches of {namespace}/{service} have it; give each a name of its own"
        faults.check(count == 1, "name", name, remedy)
    faults.check(bool(watches), "document", [], "list at least one service")
