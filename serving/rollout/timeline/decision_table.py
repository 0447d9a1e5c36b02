"""The audit table: every decision with its reasons and numbers, equal holds in one row. Pure."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby

from kanaria.serving.rollout.decision.rollout_commands import Command
from kanaria.serving.rollout.decision.rollout_state import Action
from kanaria.serving.rollout.timeline.record_history import Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One decision, or consecutive ones to hold for the same cause.

    Attributes:
        number: of the row, from 1; what the timeline's marks refer to.
        moments: at least one, in order; the last one's reasons and numbers are told.
    """

    number: int
    moments: tuple[Moment, ...]

    @property
    def first(self) -> Moment:
        """The first decision."""
        return self.moments[0]

    @property
    def last(self) -> Moment:
        """The last decision."""
        return self.moments[-1]

    @property
    def what(self) -> str:
        """The command, or the action."""
        entry = self.last.entry
        if isinstance(entry, Command):
            return f"{entry.kind} {entry.step}".strip()
        return self.last.decision.verdict.action

    @property
    def by(self) -> str:
        """Who commanded it, or which rule decided."""
        return self.last.who or f"rule {self.last.rule}"

    @property
    def marked(self) -> bool:
        """Whether something was done, asked or commanded."""
        return is_marked(self.last)


def is_marked(moment: Moment) -> bool:
    """Tell whether a moment did, asked or commanded something; repeats of one did not."""
    acted = moment.decision.verdict.action is not Action.HOLD and moment.before != moment.state
    return bool(moment.who) or acted


def rows(moments: Sequence[Moment]) -> tuple[Row, ...]:
    """Return the rows of the table, in order; each moment is in exactly one."""
    groups = groupby(enumerate(moments), key=lambda pair: _cause(*pair))
    return tuple(
        Row(number=number, moments=tuple(moment for _, moment in group))
        for number, (_, group) in enumerate(groups, 1)
    )


def _cause(number: int, moment: Moment) -> Hashable:
    """Return what consecutive holds must share to be one row; anything else stands alone."""
    if is_marked(moment):
        return number
    state, verdict = moment.state, moment.decision.verdict
    proposed = state.proposed and (state.proposed.action, state.proposed.percent)
    return (moment.rule, verdict.action, verdict.percent, state.phase, state.step, proposed)
