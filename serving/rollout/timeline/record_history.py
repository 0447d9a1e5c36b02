"""What happened in a rollout, entry by entry: the record replayed, with its numbers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from kanaria.serving.rollout.decision.audit_record import Entry, replay
from kanaria.serving.rollout.decision.decide import deciding_rule
from kanaria.serving.rollout.decision.rollout_commands import Command, begin
from kanaria.serving.rollout.decision.rollout_state import State
from kanaria.serving.rollout.decision.rule_outcomes import Decision
from kanaria.serving.rollout.decision.situation import assess, findings
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.observations.interval_observation import Counts, Observation
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.traffic_strategy import Strategy

COMMAND, REPEATED = "command", "repeated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Requests of one revision, and those answered with a server's error, since the start."""

    requests: int = 0
    errors: int = 0

    def plus(self, counts: Counts | None) -> "Totals":
        """Return the totals after an interval; without counters they stay."""
        if counts is None:
            return self
        return Totals(requests=self.requests + counts.requests, errors=self.errors + counts.errors)

    def minus(self, other: "Totals") -> "Totals":
        """Return what came after `other`."""
        return Totals(requests=self.requests - other.requests, errors=self.errors - other.errors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One entry of the record and what followed from it.

    Attributes:
        when: seconds since 1970.
        entry: what was observed or commanded.
        before: the state it met.
        decision: what was decided.
        rule: of the table of `decide`; COMMAND, or REPEATED for an interval seen before.
        findings: of all gates, on which the decision rested.
        canary: totals of the revision on trial, this entry included.
        stable: totals of the stable revision, this entry included.
        blind: counters that the decision needed were missing.
    """

    when: float
    entry: Entry
    before: State
    decision: Decision
    rule: str
    findings: tuple[Finding, ...]
    canary: Totals
    stable: Totals
    blind: bool

    @property
    def who(self) -> str:
        """The person or system that commanded it, or ""."""
        return self.entry.who if isinstance(self.entry, Command) else ""

    @property
    def state(self) -> State:
        """The state after it."""
        return self.decision.state

    @property
    def spent(self) -> float:
        """What the evidence of harm had used up; at 1 a canary is rolled back."""
        return sum(finding.spent for finding in self.findings)


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A rollout from its beginning to its last entry.

    Attributes:
        facts: service, namespace, canary, stable, canary_uri and stable_uri, as far as known.
        policy: of the rollout.
        started: seconds since 1970.
        moments: one for each entry, in the order of the record.
    """

    facts: Mapping[str, str]
    policy: Policy
    started: float
    moments: tuple[Moment, ...]

    @property
    def state(self) -> State:
        """The last state."""
        return self.moments[-1].state if self.moments else begin(self.started)

    @property
    def ended(self) -> float:
        """When the last entry was made, seconds since 1970."""
        return max([self.started, *(moment.when for moment in self.moments)])

    @property
    def horizon(self) -> float:
        """Where its axis of time ends: a little later, so that the last decision is seen."""
        return self.ended + max(0.02 * (self.ended - self.started), 1.0)


def read(
    facts: Mapping[str, str], policy: Policy, started: float, entries: Sequence[Entry]
) -> History:
    """Return the history of a rollout.

    Args:
        facts: what is rolled out, see `History`.
        policy: of the rollout.
        started: seconds since 1970.
        entries: of the record, in their order.

    Raises:
        ParameterError: the record holds a command that was never allowed.
    """
    state = begin(started)
    decisions = replay(state, entries, policy)
    states = [state, *(decision.state for decision in decisions)]
    fresh = [_fresh(state, entry) for state, entry in zip(states, entries, strict=False)]
    canary = _totals(one.canary if one else None for one in fresh)
    stable = _totals(one.stable if one else None for one in fresh)
    moments = []
    for number, entry in enumerate(entries):
        before = states[number]
        rule, gate_findings = _weighed(before, entry, policy)
        moments.append(
            Moment(
                when=when(entry),
                entry=entry,
                before=before,
                decision=decisions[number],
                rule=rule,
                findings=gate_findings,
                canary=canary[number],
                stable=stable[number],
                blind=isinstance(entry, Observation) and _blind(before, entry, policy),
            )
        )
    return History(facts=dict(facts), policy=policy, started=started, moments=tuple(moments))


def when(entry: Entry) -> float:
    """Return when an entry was made, seconds since 1970."""
    return entry.when if isinstance(entry, Command) else entry.now


def _totals(counts: Iterable[Counts | None]) -> list[Totals]:
    return list(accumulate(counts, Totals.plus, initial=Totals()))[1:]


def _fresh(state: State, entry: Entry) -> Observation | None:
    """Return an observation that is not an interval seen before."""
    if isinstance(entry, Command):
        return None
    is_old = state.interval is not None and entry.interval <= state.interval
    return None if is_old and state.last is not None else entry


def _weighed(before: State, entry: Entry, policy: Policy) -> tuple[str, tuple[Finding, ...]]:
    """Return the rule that decided and what the gates found, before a new step began."""
    observation = _fresh(before, entry)
    if observation is None:
        rule = COMMAND if isinstance(entry, Command) else REPEATED
        return rule, findings(before, policy)
    situation = assess(before, observation, policy)
    return deciding_rule(situation), situation.findings


def _blind(before: State, observation: Observation, policy: Policy) -> bool:
    if policy.strategy is Strategy.BASIC:
        return observation.facts.ready is None
    if policy.strategy is Strategy.SHADOW and before.step == 0:
        return observation.models is None
    counted = (observation.canary is not None, observation.stable is not None)
    if policy.strategy is not Strategy.BLUE_GREEN and before.desired_percent > 0:
        return not all(counted)
    return not any(counted)
