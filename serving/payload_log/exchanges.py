"""What the store keeps and gives back: exchanges with a model, their labels, and their streams."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

LabelValue = float | int | str


PREDICTOR: Literal["predictor"] = "predictor"
"""The component that has the model; an event that names none is its."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """The traffic of one component of one version of one model; windows never mix two of them.

    A transformer is logged beside its predictor, with other columns and the same labels.
    """

    namespace: str
    service: str
    version: str
    component: str = PREDICTOR


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What a prediction should have been, known later.

    Attributes:
        request_id: X-Request-Id of the request; every model that saw it gets the label.
        row: which instance of the request, from 0.
        time: seconds since 1970 at which it held; of two labels of a row the later one counts.
    """

    request_id: str
    row: int
    value: LabelValue
    time: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptLabel:
    """A label with the moment it was first received, in seconds since 1970."""

    value: LabelValue
    received: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A request, its response and its labels, as far as they have arrived.

    Attributes:
        number: grows with the first arrival of an exchange at the store.
        time: of its earlier event, in seconds since 1970.
        received: when its first event arrived, in seconds since 1970.
        rows: instances in it.
        request: the body, None where it has not arrived.
        response: the body, None where it has not arrived.
        labels: by row.
    """

    number: int
    id: str
    component: str
    request_id: str
    time: float
    received: float
    rows: int
    request: bytes | None
    response: bytes | None
    labels: Mapping[int, KeptLabel] = field(default_factory=dict)


OF_LABELS = "/labels"
"""Ends the name under which a detector keeps what it found in labels instead of inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a detector found in one window of a stream.

    Attributes:
        detector: its name.
        begin: time of the window's first exchange, in seconds since 1970.
        end: time of its last exchange, in seconds since 1970.
        rows: instances in it.
        drifted: None where that could not be told, for too few rows or a test that failed.
        document: the whole result as JSON.
    """

    stream: Stream
    detector: str
    begin: float
    end: float
    rows: int
    drifted: bool | None
    document: str


class Outcome(Enum):
    """What became of something that was handed to the store."""

    NEW = "new"
    """It is kept and counts."""
    REPEATED = "repeated"
    """It was there already; nothing changed."""
    EXPIRED = "expired"
    """It is older than what is still kept, so nobody could tell whether it is a repetition."""
    REFUSED = "refused"
    """So many services have events already that this one's are not taken."""
