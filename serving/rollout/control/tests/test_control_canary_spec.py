"""What is left to do for a rollout over `spec.canary`, whose status is the route's."""

from dataclasses import replace

import pytest

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.rollout.control.convergence import Move, next_move, taken_over
from kanaria.serving.rollout.control.stored_rollout import Rollout, Target
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.observations.between_readings import Memory
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

STABLE, CANARY = "taxi-m1", "taxi-m2"
ON_TRIAL = ServiceStatus(
    storage_uri="s3://m/two",
    canary_percent=50,
    latest_created=CANARY,
    latest_ready=CANARY,
    rolled_out=STABLE,
)
ROLLED_BACK = replace(ON_TRIAL, canary_percent=None, latest_created=STABLE, latest_ready=STABLE)
PROMOTED = replace(ON_TRIAL, canary_percent=None, rolled_out=CANARY, previous_rolled_out=STABLE)
UNREADY = replace(ON_TRIAL, latest_ready=STABLE)


def rollout(phase: Phase, percent: int) -> Rollout:
    target = Target(
        namespace="team",
        service="taxi",
        canary=CANARY,
        stable=STABLE,
        canary_uri="s3://m/two",
        stable_uri="s3://m/one",
    )
    state = replace(begin(0.0), phase=phase, desired_percent=percent)
    return Rollout(
        number=1,
        target=target,
        policy=parse("strategy: canary"),
        started=0.0,
        started_by="kim",
        state=state,
        memory=Memory(),
    )


@pytest.mark.parametrize(
    ("phase", "desired", "status", "share", "move"),
    [
        (Phase.PROGRESSING, 50, ON_TRIAL, 50, Move.NOTHING),
        (Phase.PROGRESSING, 50, UNREADY, 0, Move.WAIT),
        (Phase.ROLLED_BACK, 0, ON_TRIAL, 50, Move.ROLL_BACK),
        (Phase.ROLLED_BACK, 0, ROLLED_BACK, 0, Move.NOTHING),
        (Phase.PROMOTED, 100, ON_TRIAL, 50, Move.PROMOTE),
        (Phase.PROMOTED, 100, PROMOTED, 25, Move.WAIT),
        (Phase.PROMOTED, 100, PROMOTED, 100, Move.NOTHING),
    ],
)
def test_what_is_left_to_do(
    phase: Phase, desired: int, status: ServiceStatus, share: int, move: Move
):
    shares = {CANARY: share, STABLE: 100 - share}
    traffic = tuple(RevisionTraffic(revision=r, percent=p) for r, p in shares.items())
    assert next_move(rollout(phase, desired), replace(status, traffic=traffic)) is move


def test_an_entry_that_somebody_removed_ends_the_rollout():
    assert taken_over(rollout(Phase.PROGRESSING, 50), ROLLED_BACK) == f"revision {STABLE}"
    assert taken_over(rollout(Phase.PROGRESSING, 50), UNREADY) == ""
