"""The record of a rollout: what was observed and commanded, from which all decisions follow."""

import json
from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, apply
from kanaria.serving.rollout.decision.rollout_state import State
from kanaria.serving.rollout.decision.rule_outcomes import Decision
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.rollout_policy import Policy

Entry = Observation | Command

FORMAT = DocumentFormat()
"""Of an entry: each has its own number, since a rollout goes on while programs are upgraded."""
_OBSERVATION, _COMMAND = TypeAdapter(Observation), TypeAdapter(Command)


def replay(state: State, entries: Iterable[Entry], policy: Policy) -> tuple[Decision, ...]:
    """Return the decision after each entry, as they were made when the record was written.

    Args:
        state: the first one, see `rollout_commands.begin`.
        entries: in the order they were recorded.
        policy: of the rollout.

    Raises:
        ParameterError: the record holds a command that was never allowed.
    """
    decisions: list[Decision] = []
    for entry in entries:
        if isinstance(entry, Command):
            decision = apply(state, entry, policy)
        else:
            decision = decide(state, entry, policy)
        decisions.append(decision)
        state = decision.state
    return tuple(decisions)


def to_line(entry: Entry) -> str:
    """Return the entry as one line of JSON."""
    if isinstance(entry, Command):
        values = {"command": _COMMAND.dump_python(entry, mode="json")}
    else:
        values = {"observation": _OBSERVATION.dump_python(entry, mode="json")}
    return json.dumps(FORMAT.numbered(values), sort_keys=True, allow_nan=False)


def from_line(line: str) -> Entry:
    """Return the entry written by `to_line`.

    Raises:
        NewerFormatError: the line is of a newer program.
        DataError: it is no such entry.
    """
    try:
        values = FORMAT.current(json.loads(line), "rollout record")
        if "command" in values:
            return _COMMAND.validate_python(values["command"])
        return _OBSERVATION.validate_json(json.dumps(values["observation"]))
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise DataError(f"rollout record: {shown(line)}: restore the record") from error
