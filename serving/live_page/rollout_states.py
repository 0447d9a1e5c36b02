"""Rollouts as the page shows them. Pure."""

from dataclasses import asdict

from kanaria.serving.live_page.page_state import RolloutState
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.situation import findings
from kanaria.serving.rollout.judgement.gates.gate_registry import BY_NAME
from kanaria.serving.rollout.timeline import status_lines

PERCENT = 100.0


def rollout_state(rollout: Rollout, now: float) -> RolloutState:
    """Return the newest rollout of a service as it stands.

    Args:
        rollout: as it is stored.
        now: seconds since 1970.
    """
    state, policy, target = rollout.state, rollout.policy, rollout.target
    rows = status_lines.rows(asdict(target), state, policy, now)
    return RolloutState(
        service=f"{target.namespace}/{target.service}",
        number=rollout.number,
        phase=state.phase.value,
        is_active=rollout.active,
        needs_person=bool(status_lines.answers(asdict(target), state)),
        rows=[row for row in rows if row[0] != "service"],
        look_age=None if rollout.looked is None else max(0.0, now - rollout.looked),
        desired=state.desired_percent / PERCENT,
        spent={one.gate: one.spent for one in findings(state, policy) if BY_NAME[one.gate].weighs},
    )
