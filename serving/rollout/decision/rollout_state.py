"""Where a rollout stands: one frozen value that goes to JSON and back exactly. Pure.

phase              traffic of the canary     left by
----------------   -----------------------   -------------------------------------------------
STAGED             0 %                       ready: first step; never ready, a fact: rollback
PROGRESSING        a step's; 0 % in shadow   next step, promotion, a question, rollback
WAITING_APPROVAL   unchanged while asked     approve, resume (go on watching), rollback
PAUSED             unchanged                 resume; harm still rolls back
PROMOTED           100 %                     a person's rollback; harm before it has all traffic
ROLLED_BACK        0 %                       nothing
SUPERSEDED         no longer ours            nothing
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Protocol

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import core_schema

from kanaria.components.shared.config.validation import first_fault
from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.judgement.gates.gate_registry import KINDS


class Phase(StrEnum):
    """Where a rollout stands; see the table of the module."""

    STAGED = "staged"
    PROGRESSING = "progressing"
    WAITING_APPROVAL = "waiting_approval"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"


OVER = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.SUPERSEDED})


class Action(StrEnum):
    """What is to be done with the traffic."""

    HOLD = "hold"
    SHIFT = "shift"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    ASK = "ask"


class Question(StrEnum):
    """What a person is asked."""

    STEP = "step"
    """May the named step begin?"""
    NO_DATA = "no_data"
    """Nothing is known of the canary; the question ends when data are back."""
    INCONCLUSIVE = "inconclusive"
    """The shadow or the last step did not convince in time; approving it goes on all the same."""
    FINDING = "finding"
    """A gate found what it does not judge itself; approving it by the gate's name goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A person's consent: to which step, who, and when in seconds since 1970."""

    step: str
    who: str
    when: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was decided: the action, the canary's traffic after it in percent, and why."""

    action: Action
    percent: int
    reasons: tuple[str, ...]


class Evidence(Protocol):
    """What a gate knows: a frozen dataclass, of the class that its kind names."""

    @property
    def heard(self) -> float | None:
        """End of the last interval that had data for the gate, or None."""


class _ByGate:
    """Tells pydantic that evidence under a gate's name is of that gate's class."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        fields = {
            kind.name: core_schema.typed_dict_field(
                handler.generate_schema(kind.evidence), required=False
            )
            for kind in KINDS
        }
        return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """All that a decision rests on, beside the observation and the policy.

    Attributes:
        started: when the rollout began, seconds since 1970.
        phase: see the table of the module.
        step: index of the step the canary is in; -1 before the first.
        highest_step: it ever was in; evidence begins anew in higher ones alone.
        desired_percent: share of requests the canary shall have, 0 to 100.
        step_started: when the step began; for a staged canary, when it was staged.
        step_requests: of the canary, counted in the step.
        watched_since: when patience began: with the step, or when a person resumed.
        question: what a person is asked while waiting, or None.
        asked_step: name of the step in question, or "".
        approvals: given so far.
        ordered_by: who ordered the promotion, or "".
        evidence: gate -> what it knows.
        interval: number of the last interval decided on, or None.
        last: what was decided then.
        proposed: what would have been done then, were the policy not to observe only.
        percent_seen: share of requests the canary was last seen to have, or None.
        seen_until: end of the last interval, seconds since 1970, or None.
        readiness: whether the canary was ready at the last looks at which that was known while it
            had requests, the newest last.
    """

    started: float
    phase: Phase = Phase.STAGED
    step: int = -1
    highest_step: int = -1
    desired_percent: int = 0
    step_started: float
    step_requests: int = 0
    watched_since: float
    question: Question | None = None
    asked_step: str = ""
    approvals: tuple[Approval, ...] = ()
    ordered_by: str = ""
    evidence: Annotated[Mapping[str, Evidence], _ByGate()] = field(default_factory=dict)
    interval: int | None = None
    last: Verdict | None = None
    proposed: Verdict | None = None
    percent_seen: int | None = None
    seen_until: float | None = None
    readiness: tuple[bool, ...] = ()


_ADAPTER = TypeAdapter(State)


def to_json(state: State) -> str:
    """Return the state as JSON text; equal states give equal text."""
    return json.dumps(plain(state), sort_keys=True, allow_nan=False)


def plain(state: State) -> dict[str, Any]:
    """Return the state as plain JSON values."""
    values: dict[str, Any] = _ADAPTER.dump_python(state, mode="json")
    return values


def from_json(text: str) -> State:
    """Return the state written by `to_json`.

    Raises:
        DataError: the text is not such a state.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise DataError(
            f"rollout state: {first_fault(error)}; "
            "restore it from the audit record or start the rollout anew"
        ) from error
