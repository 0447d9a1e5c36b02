import numpy as np
import pytest

from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.decision.rollout_state import OVER
from kanaria.serving.rollout.observations.interval_observation import (
    Counts,
    Observation,
    RevisionFacts,
)

STARTED = 1_795_260_000.0
FACTS = {
    "service": "flights",
    "namespace": "models",
    "canary": "flights-predictor-00002",
    "stable": "flights-predictor-00001",
    "canary_uri": "s3://models/flights/9f3c",
    "stable_uri": "s3://models/flights/71aa",
}


def drawn(generator, requests, errors, refused):
    slow = int(generator.binomial(requests, 0.05))
    return Counts(
        requests=requests,
        errors=int(generator.binomial(requests, errors)),
        refused=None if refused is None else round(requests * refused),
        slower=((0.1, slow),),
    )


def rolled(
    policy,
    minutes,
    *,
    errors=lambda _minute: 0.01,
    refused=(None, None),
    silent=(),
    orders=(),
    seed=1,
):
    """The record of a rollout with 600 requests a minute, ready from the second minute on.

    `refused` are the shares that canary and stable revision refuse, None where nobody tells.
    `orders` are (minute, kind, who); they are given half a minute before that minute's look.
    """
    generator = np.random.default_rng(seed)
    state, entries = begin(STARTED), []
    for minute in range(1, minutes):
        for _, kind, who in (order for order in orders if order[0] == minute):
            when = STARTED + 60 * minute - 30
            entries.append(Command(kind=CommandKind(kind), who=who, when=when))
            state = apply(state, entries[-1], policy).state
        canary = int(generator.binomial(600, state.desired_percent / 100))
        counts = (
            drawn(generator, canary, errors(minute), refused[0]),
            drawn(generator, 600 - canary, 0.01, refused[1]),
        )
        quiet = minute in silent
        entries.append(
            Observation(
                interval=minute,
                now=STARTED + 60.0 * minute,
                canary=None if quiet else counts[0],
                stable=None if quiet else counts[1],
                facts=RevisionFacts(ready=minute > 1),
                percent=state.desired_percent,
            )
        )
        state = decide(state, entries[-1], policy).state
        if state.phase in OVER:
            break
    return entries


@pytest.fixture(scope="session")
def make_record():
    return rolled


@pytest.fixture(scope="session")
def facts():
    return FACTS


@pytest.fixture(scope="session")
def started():
    return STARTED
