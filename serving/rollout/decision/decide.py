"""The decision of a rollout: a pure function of state, observation and policy.

The first rule that applies decides:

    rule            applies when                                         action
    -------------   --------------------------------------------------   --------------------------
    over            promoted with all traffic, rolled back, superseded   HOLD
    stopped         a hard rule, or not ready while it has requests at   ROLLBACK
                    several looks
    harmed          the gates' evidence of harm is used up               ROLLBACK
    promoted        promoted, and does not have all traffic yet          HOLD
    paused          a person paused it                                   HOLD
    never_ready     no traffic yet, not ready; for too long              HOLD; ROLLBACK
    ordered         a person ordered the promotion; ready                PROMOTE (else HOLD)
    silent          a gate has had no data for too long                  ASK (ROLLBACK by policy)
    waiting         a person is asked                                    HOLD
    questioned      a gate found what a person must judge                ASK
    ungrounded      no traffic yet, stable not known (blue/green)       HOLD
    staged          no traffic yet, ready                                SHIFT to the first step
    unfinished      less exposure or time than the step asks after the   HOLD
                    warm-up
    unheard         a gate has no data of this interval                  HOLD
    climbing        another step follows; from the shadow if every gate  SHIFT to it
                    agrees or a person has approved it
    accepted        every gate agrees, in the last step                  PROMOTE
    inconclusive    in the shadow or the last step for too long          ASK
    undecided       otherwise                                            HOLD

SHIFT and PROMOTE need a canary that is ready in this very observation, and ASK comes before them
where the policy names the step. With automation `observe` the action is always HOLD and
`proposed` says what would have been done. An interval seen again gives the same decision again,
so a controller may die anywhere between deciding and acting.
"""

from collections.abc import Callable
from dataclasses import replace

from kanaria.serving.rollout.decision.rollout_state import Action, Phase, Question, State, Verdict
from kanaria.serving.rollout.decision.rule_outcomes import (
    Decision,
    advance,
    ask,
    hold,
    promote,
    readiness,
    roll_back,
)
from kanaria.serving.rollout.decision.shadow_step import in_shadow
from kanaria.serving.rollout.decision.situation import (
    MINUTE,
    Situation,
    asked_of,
    assess,
    exposed,
    is_over,
    unready,
)
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.rollout_policy import Automation, Policy

Rule = Callable[[Situation], Decision | None]


def decide(state: State, observation: Observation, policy: Policy) -> Decision:
    """Return what to do after an interval; see the table of the module.

    Args:
        state: of the rollout so far.
        observation: of one interval; a number at or below the last one decides nothing new.
        policy: of the rollout.
    """
    is_old = state.interval is not None and observation.interval <= state.interval
    if is_old and state.last is not None:
        return Decision(verdict=state.last, state=state)
    situation = assess(state, observation, policy)
    decision = next(outcome for rule in RULES if (outcome := rule(situation)) is not None)
    if policy.automation is Automation.OBSERVE and decision.verdict.action is not Action.HOLD:
        decision = _only_say(situation, decision.verdict)
    elif decision.state.proposed is not None:
        decision = replace(decision, state=replace(decision.state, proposed=None))
    return _recorded(decision, observation)


def deciding_rule(situation: Situation) -> str:
    """Return the name of the rule that decides, as in the table of the module."""
    rule = next(rule for rule in RULES if rule(situation) is not None)
    return str(getattr(rule, "__name__", rule)).removeprefix("_")


def _recorded(decision: Decision, observation: Observation) -> Decision:
    state = replace(decision.state, interval=observation.interval, last=decision.verdict)
    return replace(decision, state=state)


def _only_say(situation: Situation, proposed: Verdict) -> Decision:
    state = replace(situation.state, proposed=proposed)
    said = f"only observing; would {proposed.action} at {proposed.percent} %"
    return hold(state, said, *proposed.reasons)


def _over(situation: Situation) -> Decision | None:
    state = situation.state
    over = is_over(state, situation.observation, situation.policy)
    return hold(state, f"the rollout is {state.phase}") if over else None


def _stopped(situation: Situation) -> Decision | None:
    stops = [finding.stop for finding in situation.findings if finding.stop]
    missed = unready(situation.state, situation.policy)
    if missed:
        percent = situation.state.desired_percent
        has = f"{percent} % of the traffic" if percent else "a copy of the requests"
        had = f"while it had {has}"
        if percent and situation.observation.percent == 0:
            had = f"and got none of its {has}"
        stops.append(f"the canary was {missed} {had}")
    return roll_back(situation, *stops) if stops else None


def _harmed(situation: Situation) -> Decision | None:
    if situation.spent < 1:
        return None
    heaviest = max(situation.findings, key=lambda finding: finding.spent)
    return roll_back(situation, f"harm, above all in {heaviest.gate}", *situation.texts)


def _promoted(situation: Situation) -> Decision | None:
    if situation.state.phase is not Phase.PROMOTED:
        return None
    return hold(situation.state, "promoted; it does not have all traffic yet", *situation.texts)


def _paused(situation: Situation) -> Decision | None:
    state = situation.state
    return hold(state, "paused", *situation.texts) if state.phase is Phase.PAUSED else None


def _never_ready(situation: Situation) -> Decision | None:
    state, now = situation.state, situation.observation.now
    if exposed(state) or situation.observation.facts.ready is not False:
        return None
    ready_at = getattr(state.evidence.get("hard_rules"), "ready_at", None)
    since = state.watched_since if ready_at is None else max(ready_at, state.watched_since)
    allowed = situation.policy.ready_minutes
    if now - since >= allowed * MINUTE:
        return roll_back(situation, f"not ready for {allowed:g} minutes; it had no traffic")
    return hold(state, "not ready")


def _ordered(situation: Situation) -> Decision | None:
    who = situation.state.ordered_by
    if not who:
        return None
    if situation.observation.facts.ready is not True:
        return hold(situation.state, f"{who} ordered the promotion; {readiness(situation)}")
    return promote(situation, f"{who} ordered it", *situation.texts)


def _left_out(situation: Situation) -> str:
    """Return why there is no data, where the platform gives a canary that is not ready nothing."""
    observation = situation.observation
    is_out = observation.facts.ready is False and observation.percent == 0
    if not is_out or not situation.state.desired_percent:
        return ""
    return ": the canary is not ready and gets no requests"


def _silent(situation: Situation) -> Decision | None:
    if not situation.silent:
        return None
    rule = situation.policy.no_data
    reason = f"no data for {rule.minutes:g} minutes from {', '.join(situation.silent)}"
    reason += _left_out(situation)
    if rule.action == "rollback":
        return roll_back(situation, reason)
    if situation.state.phase is Phase.WAITING_APPROVAL:
        return hold(situation.state, reason)
    return ask(situation, Question.NO_DATA, "", reason)


def _waiting(situation: Situation) -> Decision | None:
    state = situation.state
    if state.phase is not Phase.WAITING_APPROVAL:
        return None
    if state.question is Question.INCONCLUSIVE and situation.accepted:
        return None
    return hold(state, f"a person is asked: {state.question} {state.asked_step}".strip())


def _questioned(situation: Situation) -> Decision | None:
    open_ = (one for one in situation.findings if one.question)
    asks = next((one for one in open_ if one.gate not in situation.approved), None)
    if asks is None:
        return None
    return ask(situation, Question.FINDING, asks.gate, asks.question, *situation.texts)


def _ungrounded(situation: Situation) -> Decision | None:
    blind = [finding for finding in situation.findings if not finding.grounded]
    if situation.state.step >= 0 or not blind:
        return None
    names = ", ".join(finding.gate for finding in blind)
    return hold(
        situation.state, f"learning what the stable revision does: {names}", *situation.texts
    )


def _staged(situation: Situation) -> Decision | None:
    return advance(situation, 0, "ready") if situation.state.step < 0 else None


def _unfinished(situation: Situation) -> Decision | None:
    """Wait for what the step asks, which begins when the canary is warm."""
    state, step = situation.state, situation.policy.ladder[situation.state.step]
    minutes = (situation.observation.now - state.step_started) / MINUTE
    least, long = asked_of(step, situation.policy)
    if state.step_requests >= least and minutes >= long and not situation.warming:
        return None
    done = (
        f"step {step.name}: {state.step_requests} of {least} requests, "
        f"{minutes:.1f} of {long:g} minutes"
    )
    return hold(situation.state, done + " (warming up)" * situation.warming, *situation.texts)


def _unheard(situation: Situation) -> Decision | None:
    if not situation.unheard:
        return None
    reason = f"no data now from {', '.join(situation.unheard)}{_left_out(situation)}"
    return hold(situation.state, reason)


def _climbing(situation: Situation) -> Decision | None:
    following = situation.state.step + 1
    if following >= len(situation.policy.ladder):
        return None
    agreed = situation.accepted or situation.step_name(following) in situation.approved
    if in_shadow(situation.state, situation.policy) and not agreed:
        return None
    return advance(situation, following, *situation.texts)


def _accepted(situation: Situation) -> Decision | None:
    if not situation.accepted:
        return None
    return advance(situation, len(situation.policy.ladder), *situation.texts)


def _inconclusive(situation: Situation) -> Decision | None:
    allowed = situation.policy.inconclusive_minutes
    if situation.observation.now - situation.state.watched_since < allowed * MINUTE:
        return None
    reason = f"inconclusive for {allowed:g} minutes"
    name = situation.step_name(situation.state.step + 1)
    return ask(situation, Question.INCONCLUSIVE, name, reason, *situation.texts)


def _undecided(situation: Situation) -> Decision:
    return hold(situation.state, *situation.texts)


RULES: tuple[Rule, ...] = (
    _over,
    _stopped,
    _harmed,
    _promoted,
    _paused,
    _never_ready,
    _ordered,
    _silent,
    _waiting,
    _questioned,
    _ungrounded,
    _staged,
    _unfinished,
    _unheard,
    _climbing,
    _accepted,
    _inconclusive,
    _undecided,
)
