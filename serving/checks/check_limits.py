"""The limits of the checks: one dictionary, checked as a whole before anything is done.

    infrastructure: {memory_share: 0.8}
    signature: true
    compatibility: true
    api_call: {relative_tolerance: 1.0e-3, absolute_tolerance: 1.0e-4, timeout_seconds: 10}
    load: {rate: 20, requests: 200, error_share: 0.01, p50_ms: 0, p95_ms: 0, p99_ms: 1000,
           timeout_seconds: 10}

Everything has a default, and each check can be left out by `false`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid

MAX_SECONDS = 600
Tolerance = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0, le=60_000)]
Timeout = Annotated[float, Field(gt=0, le=60)]


class Part(BaseModel):
    """What all parts share: no unknown keys, no guessing of types, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Infrastructure(Part):
    """Attributes: memory_share: of the memory limit, that the model's files may take."""

    memory_share: Annotated[float, Field(gt=0, le=1)] = 0.8


class ApiCall(Part):
    """The served model's answers may differ from the trained model's by both tolerances.

    Attributes:
        relative_tolerance: of a number, relative to the trained model's.
        absolute_tolerance: of a number, added to it.
        timeout_seconds: for one answer.
    """

    relative_tolerance: Tolerance = 1e-3
    absolute_tolerance: Tolerance = 1e-4
    timeout_seconds: Timeout = 10


class Load(Part):
    """Requests at a fixed rate, whether or not the earlier ones are answered.

    Attributes:
        rate: requests a second; idle time between them is left out in local serving, see
            `paced_requests`.
        requests: how many are sent, each of one row; fewer when the rest could change nothing.
        error_share: of the requests, that may fail.
        p50_ms: limit of the median latency in milliseconds, 0 for none.
        p95_ms: limit of its 95th percentile, 0 for none.
        p99_ms: limit of its 99th percentile, 0 for none.
        timeout_seconds: for one answer; without one by then, the request has failed.
    """

    rate: Annotated[float, Field(gt=0, le=1000)] = 20
    requests: Annotated[int, Field(ge=1, le=100_000, strict=False)] = 200
    error_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    p50_ms: Milliseconds = 0
    p95_ms: Milliseconds = 0
    p99_ms: Milliseconds = 1000
    timeout_seconds: Timeout = 10


def _load_ends(load: Load | Literal[False]) -> Load | Literal[False]:
    if load and load.requests / load.rate > MAX_SECONDS:
        seconds = load.requests / load.rate
        raise ValueError(f"takes {seconds:.0f} s, send fewer requests or more a second")
    return load


class Policy(Part):
    """The checks in their order; `false` leaves one out."""

    infrastructure: Infrastructure | Literal[False] = Infrastructure()
    signature: bool = True
    compatibility: bool = True
    api_call: ApiCall | Literal[False] = ApiCall()
    load: Annotated[Load | Literal[False], AfterValidator(_load_ends)] = Load()


BRANCHES = {kind.__name__ for kind in (Infrastructure, ApiCall, Load)}
"""Each may stand in its place, or false."""


def parse(raw: Mapping[str, Any], faults: Faults, where: str = "checks") -> Policy:
    """Return the policy in a dictionary; {} is all defaults.

    Faults are added to `faults`, each named as `<where>.<check>.<limit>`; the policy returned
    beside faults is the default one.
    """
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        add_invalid(faults, error, where, BRANCHES)
        return Policy()
