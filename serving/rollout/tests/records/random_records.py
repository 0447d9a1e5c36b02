"""Records as a controller would write them, drawn at random: whatever is seen and commanded."""

from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.rollout.commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.decide import decide
from kanaria.serving.rollout.observation import Counts, Observation, RevisionFacts
from kanaria.serving.rollout.policy import parse

HOSTILE = """</title></svg><script src="//x">'&\x1f\u202e"""
"""A name of a person that would be markup, were it not escaped."""
POLICIES = [
    parse("steps: [{percent: 10, minimum_minutes: 1}, {percent: 50, minimum_minutes: 1}]"),
    parse("automation: approve\napprove_before: [10%, promote]\ninconclusive_minutes: 9"),
    parse("strategy: blue_green\nno_data: {minutes: 2, action: rollback}"),
    parse("strategy: basic"),
    parse("automation: observe"),
    parse("automation: observe\nstrategy: basic"),
    parse("automation: observe\nstrategy: blue_green"),
]


@st.composite
def some_counts(draw):
    requests = draw(st.integers(0, 2000))
    few = st.integers(0, requests // 10)
    slower = draw(st.none() | few.map(lambda slow: ((0.1, slow), (0.5, slow // 2))))
    return Counts(requests=requests, errors=draw(few), slower=slower)


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
        minutes = 60.0 * number
        if draw(st.integers(0, 4)) == 0:
            drawn = draw(commands)
            entry = Command(kind=drawn.kind, who=drawn.who, when=minutes, step=drawn.step)
            try:
                state = apply(state, entry, policy).state
            except ParameterError:
                continue
        else:
            seen = draw(observations)
            entry = Observation(
                interval=number,
                now=minutes,
                canary=seen.canary,
                stable=seen.stable,
                facts=seen.facts,
                percent=seen.percent,
            )
            state = decide(state, entry, policy).state
        entries.append(entry)
    return entries
