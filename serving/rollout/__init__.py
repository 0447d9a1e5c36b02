"""Rollouts: a canary gets its traffic step by step while gates compare it with what is live.

Rule: imports go one way, control > timeline > decision > policy > judgement > observations. Only
sources in `observations` look at the world, only `control` acts on it; what is between is pure,
from values to values, time included, so a record replays. One word for each thing:

    reading       what a source shows at one look: raw counters, which only grow
    observation   what one interval added to them, and facts about the canary
    evidence      what one gate has learnt since the rollout began; plain numbers
    finding       what a gate concludes from its evidence: harm, health, a question
    state         where a rollout stands, the evidence of all gates included
    situation     state, observation and findings: what the rules look at
    verdict       the action a rule decides on, the canary's percentage after it, and why
    decision      a verdict and the state to record before doing it
    record        all observations and commands of a rollout, from which decisions follow again
    moment        one entry of the record with the decision that followed: what a timeline shows
"""
