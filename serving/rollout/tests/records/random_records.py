"""Records as a controller would write them, drawn at random: whatever is seen and commanded."""

from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.observations.interval_observation import (
    Counts,
    Observation,
    RevisionFacts,
)
from kanaria.serving.rollout.policy.rollout_policy import parse

HOSTILE = """</title></svg><script src="//x">'&\x1b[2J\n\u202e"""
"""A name of a person that would be markup, were it not escaped."""
POLICIES = [
    parse("steps: [{percent: 10, minimum_minutes: 1}, {percent: 50, minimum_minutes: 1}]"),
    parse("automation: approve\napprove_before: [10%, promote]\ninconclusive_minutes: 9"),
    parse("strategy: blue_green\nno_data: {minutes: 2, action: rollback}"),
    parse("strategy: basic"),
    parse("automation: observe"),
    parse("automation: observe\nstrategy: basic"),
    parse("automation: observe\nstrategy: blue_green"),
    parse("strategy: shadow\nsteps: [{percent: 0}, {percent: 10}]\ngates: {inputs: {}}"),
    parse("strategy: shadow\ngates: {disagreement: {limit: 0.01}}\ninconclusive_minutes: 9"),
]


@st.composite
def some_counts(draw):
    requests = draw(st.integers(0, 2000))
    few = st.integers(0, requests // 10)
    slower = draw(st.none() | few.map(lambda slow: ((0.1, slow), (0.5, slow // 2))))
    return Counts(requests=requests, errors=draw(few), slower=slower)


@st.composite
def some_models(draw):
    pairs = draw(st.integers(0, 3000))
    apart = draw(st.integers(0, pairs))
    up, down = (draw(st.integers(0, apart)) for _ in range(2))
    right = draw(st.integers(0, apart))
    windows = draw(st.integers(0, 5))
    return ModelCounts(
        canary={"0": draw(st.integers(0, 3000)), HOSTILE: draw(st.integers(0, 3000))},
        stable={"0": draw(st.integers(0, 3000)), "1": draw(st.integers(0, 3000))},
        pairs=pairs,
        canary_apart={"0": apart - up, "1": up},
        stable_apart={"0": apart - down, HOSTILE: down},
        stable_right=right,
        canary_right=draw(st.integers(0, apart - right)),
        windows=windows,
        drifted=draw(st.integers(0, windows)),
    )


facts = st.builds(
    RevisionFacts,
    ready=st.sampled_from([True, True, True, True, False, None]),
    failure=st.sampled_from([""] * 18 + ["broken", HOSTILE]),
    restarts=st.sampled_from([0] * 9 + [1]),
    oom_kills=st.sampled_from([0] * 19 + [1]),
)
observations = st.builds(
    Observation,
    interval=st.just(0),
    now=st.just(0.0),
    canary=st.none() | some_counts(),
    stable=st.none() | some_counts(),
    facts=facts,
    percent=st.none() | st.sampled_from([0, 10, 50, 100]),
    models=st.none() | some_models(),
)
commands = st.builds(
    Command,
    kind=st.sampled_from(CommandKind),
    who=st.sampled_from(["kim", HOSTILE]),
    when=st.just(0.0),
    step=st.sampled_from(["", "10%", "promote"]),
)
policies = st.sampled_from(POLICIES)


@st.composite
def records(draw, policy):
    """A record as a controller would write it: numbered in time, without refused commands."""
    state, entries = begin(0.0), []
    for number in range(draw(st.integers(1, 25))):
        entry: Command | Observation
        minutes = 60.0 * number
        if draw(st.integers(0, 4)) == 0:
            drawn = draw(commands)
            entry = Command(kind=drawn.kind, who=drawn.who, when=minutes, step=drawn.step)
            try:
                state = apply(state, entry, policy).state
            except ParameterError:
                continue
        else:
            observed = draw(observations)
            entry = Observation(
                interval=number,
                now=minutes,
                canary=observed.canary,
                stable=observed.stable,
                facts=observed.facts,
                percent=observed.percent,
                models=observed.models,
            )
            state = decide(state, entry, policy).state
        entries.append(entry)
    return entries
