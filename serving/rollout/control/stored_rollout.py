"""What is kept of a rollout between two looks: one value, there and back as JSON. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.artifacts.document_format import Document, DocumentFormat
from kanaria.components.shared.config.validation import first_fault
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.rollout.decision.rollout_state import OVER, Phase, State
from kanaria.serving.rollout.observations.between_readings import Memory
from kanaria.serving.rollout.policy.rollout_policy import Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Which revision is on trial, and which one it is to replace.

    Attributes:
        namespace: of the service.
        service: name of the InferenceService.
        canary: revision on trial.
        stable: revision it is compared with, which gets the traffic back.
        canary_uri: storage URI of the canary's model.
        stable_uri: storage URI of the stable revision's model.
    """

    namespace: str
    service: str
    canary: str
    stable: str
    canary_uri: str
    stable_uri: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """A rollout as it stands; its audit record, the entries, is kept beside it.

    Attributes:
        number: of the service's rollouts, from 1.
        target: what is rolled out.
        policy: how.
        started: seconds since 1970.
        started_by: name of the person or system.
        state: where it stands.
        memory: raw counters as last read, so that the next reading gives an interval.
        looked: when they were read, seconds since 1970, or None before the first time.
        entries: how many entries the audit record has.
        settled: it is over and its traffic was seen to be what was decided; nothing is left to do.
    """

    number: int
    target: Target
    policy: Policy
    started: float
    started_by: str
    state: State
    memory: Memory
    looked: float | None = None
    entries: int = 0
    settled: bool = False

    @property
    def active(self) -> bool:
        """Whether it still decides over the traffic of its service."""
        return self.state.phase not in OVER

    @property
    def governs(self) -> bool:
        """Whether the traffic of its service is not to be changed by others.

        A promotion that is recorded is still to come true.
        """
        promoting = self.state.phase is Phase.PROMOTED and not self.settled
        return self.active or promoting

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"{self.target.namespace}/{self.target.service} rollout {self.number}"


REMEDY = "remove it and start the rollout anew"


def _with_beside(evidence: Document) -> Document:
    """Take all that is known of the stable revision as seen beside the canary, as format 0 did."""
    if "rate" in evidence:
        return {**evidence, "rate": _with_beside(evidence["rate"])}
    if "stable_requests" not in evidence:
        return evidence
    beside = {f"beside_{name}": evidence[f"stable_{name}"] for name in ("requests", "events")}
    return {**evidence, **beside}


def _as_begun(document: Document) -> Document:
    """Let a rollout go on under the rules it began with: format 0 had no others."""
    policy, state = document["policy"], document["state"]
    rules = {
        "warm_up": {"minutes": 0, "requests": 0},
        "unready_looks": 1,
        "gates": {**policy["gates"], "refusals": False},
    }
    learnt = {
        "highest_step": state["step"],
        "seen_until": document["looked"],
        "evidence": {name: _with_beside(evidence) for name, evidence in state["evidence"].items()},
    }
    return {**document, "policy": {**policy, **rules}, "state": {**state, **learnt}}


FORMAT = DocumentFormat((_as_begun,))
"""Of a rollout with its policy, its state and its memory; its entries have their own."""
_ADAPTER = TypeAdapter(Rollout)


def to_json(rollout: Rollout) -> str:
    """Return the rollout as JSON text; equal rollouts give equal text."""
    values: dict[str, Any] = _ADAPTER.dump_python(rollout, mode="json")
    return json.dumps(FORMAT.numbered(values), sort_keys=True, allow_nan=False)


def from_json(text: str, where: str) -> Rollout:
    """Return the rollout written by `to_json`, by this program or an older one.

    Raises:
        NewerFormatError: the text, kept at `where`, is of a newer program.
        DataError: it is not such a rollout.
    """
    try:
        return _ADAPTER.validate_json(json.dumps(FORMAT.current(json.loads(text), where)))
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise DataError(f"{where}: {_fault(error)}; it is damaged: {REMEDY}") from error


def _fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return first_fault(error)
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else shown(str(error))
