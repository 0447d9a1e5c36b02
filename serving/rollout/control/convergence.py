"""What is still to be done until the traffic is what was decided. Pure.

phase         done when                                   else
-----------   -----------------------------------------   --------------------------------------
superseded    another revision is the newest; it has 0 %  SHIFT to 0 %; ROLL_BACK of one that
              or was promoted                             has all traffic on trial (blue/green)
promoted      the canary is rolled out with all traffic   PROMOTE, once it is ready
rolled back   the canary is set to 0 % and has 0 %        ROLL_BACK
otherwise     it is set to and has what is desired, and   SHIFT; upwards only once it is ready;
              gets the copies of strategy shadow          then MIRROR

While a policy only observes, nothing but a person's rollback is done. Copies need no ending of
their own: a shift, a promotion, a rollback and a newer revision end them.
"""

from enum import StrEnum

from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.decision.shadow_step import mirrored_percent
from kanaria.serving.rollout.policy.rollout_policy import Automation
from kanaria.serving.traffic.traffic_protocol import ServiceStatus


class Move(StrEnum):
    """The next step towards the decided traffic."""

    NOTHING = "nothing"
    WAIT = "wait"
    """It is set but not live yet, or the canary is not ready for more."""
    SHIFT = "shift"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    MIRROR = "mirror"


def share_of(status: ServiceStatus, revision: str) -> int:
    """Return the percentage of requests the revision really gets."""
    return sum(share.percent for share in status.traffic if share.revision == revision)


def is_judged(rollout: Rollout, status: ServiceStatus) -> bool:
    """Tell whether the canary is still to be judged: until its traffic is what was decided last.

    A promotion that is recorded and not yet true gives no canary traffic that nobody looks at.
    """
    if rollout.active:
        return True
    part = bool(status.traffic) and share_of(status, rollout.target.canary) < 100
    return rollout.governs and part and rollout.policy.automation is not Automation.OBSERVE


def taken_over(rollout: Rollout, status: ServiceStatus) -> str:
    """Return who took the service from a rollout that governs it, or "".

    A newer revision than the canary ends the trial. So does a promotion from outside: a canary
    that has everything cannot be compared with anything.
    """
    canary, state = rollout.target.canary, rollout.state
    if not rollout.governs:
        return ""
    is_rolled_out = state.phase is Phase.PROMOTED and status.rolled_out == canary
    if status.latest_created not in ("", canary) and not is_rolled_out:
        return f"revision {status.latest_created}"
    ours = state.desired_percent == 100 or rollout.policy.automation is Automation.OBSERVE
    if status.rolled_out == canary and not ours:
        return "a promotion from outside"
    return ""


def next_move(rollout: Rollout, status: ServiceStatus) -> Move:
    """Return what is to be done next."""
    state, canary = rollout.state, rollout.target.canary
    if status.latest_created not in ("", canary):
        return Move.NOTHING
    observes = rollout.policy.automation is Automation.OBSERVE
    if observes and state.phase is not Phase.ROLLED_BACK:
        return Move.NOTHING
    if state.phase is Phase.PROMOTED:
        return _promotion(canary, status)
    if state.phase is Phase.SUPERSEDED and status.rolled_out == canary:
        return Move.ROLL_BACK if _is_on_trial_with_all(rollout) else Move.NOTHING
    share, wanted = share_of(status, canary), wanted_percent(rollout)
    if status.canary_percent == wanted:
        return _mirroring(rollout, status) if share == wanted else Move.WAIT
    if state.phase is Phase.ROLLED_BACK:
        return Move.ROLL_BACK
    is_less = wanted < (100 if status.canary_percent is None else status.canary_percent)
    return Move.SHIFT if is_less or status.latest_ready == canary else Move.WAIT


def exposes_more(rollout: Rollout, status: ServiceStatus) -> bool:
    """Tell whether the next step gives the canary requests, or copies of them, that it has not."""
    match next_move(rollout, status):
        case Move.PROMOTE:
            return True
        case Move.SHIFT:
            live = 100 if status.canary_percent is None else status.canary_percent
            return wanted_percent(rollout) > live
        case Move.MIRROR:
            return mirrored(rollout) > (status.mirrored_percent or 0)
        case _:
            return False


def _is_on_trial_with_all(rollout: Rollout) -> bool:
    """Tell whether a step of the policy gave the canary all traffic, to be watched there."""
    steps = {step.percent for step in rollout.policy.ladder}
    return rollout.state.desired_percent == 100 and 100 in steps


def wanted_percent(rollout: Rollout) -> int:
    """Return the share that the canary is to have: none when another is about to take its place."""
    return 0 if rollout.state.phase is Phase.SUPERSEDED else rollout.state.desired_percent


def mirrored(rollout: Rollout) -> int:
    """Return the percentage of requests that the canary is to get copies of."""
    return mirrored_percent(rollout.state, rollout.policy)


def _mirroring(rollout: Rollout, status: ServiceStatus) -> Move:
    wanted = mirrored(rollout)
    if wanted == (status.mirrored_percent or 0):
        return Move.NOTHING
    return Move.MIRROR if wanted == 0 or status.latest_ready == rollout.target.canary else Move.WAIT


def _promotion(canary: str, status: ServiceStatus) -> Move:
    if status.rolled_out == canary:
        return Move.NOTHING if share_of(status, canary) == 100 else Move.WAIT
    if status.canary_percent in (None, 100):
        return Move.WAIT
    return Move.PROMOTE if status.latest_ready == canary else Move.WAIT
