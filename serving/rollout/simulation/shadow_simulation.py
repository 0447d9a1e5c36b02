"""How a policy of strategy shadow fares over many simulated rollouts, all at once in arrays.

As in `simulate`: the gates' own arithmetic on arrays; only the order of the rules of `decide` is
written a second time, and a test holds it against `decide` itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.decision.situation import asked_of
from kanaria.serving.rollout.judgement.confidence_sequences import mean_bounds
from kanaria.serving.rollout.judgement.e_process_bets import log_factor
from kanaria.serving.rollout.judgement.gates import label_accuracy, prediction_shares
from kanaria.serving.rollout.judgement.gates.disagreement import DisagreementGate
from kanaria.serving.rollout.judgement.gates.label_accuracy import LabelGate
from kanaria.serving.rollout.judgement.gates.prediction_shares import REFERENCE_ROWS, PredictionGate
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.simulation.canary_simulation import PROMOTED, ROLLED_BACK, UNDECIDED

Array = NDArray[Any]
QUESTION = 2
"""A gate asked a person, beside the outcomes of `simulate`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowScenario:
    """Two models of two classes on the same rows, minute by minute.

    Attributes:
        rows: that both answer in a minute.
        disagreement: share of them with two different answers, above 0, at most 1.
        loss: of accuracy by the canary, as a share of all rows; at most `disagreement`.
        upward: share of the rows of disagreement to which the canary gives class 1.
        labels: of rows of disagreement that can be made in a minute, oldest rows first.
        delay: minutes from an answer to the earliest label of it.
        minutes: after which the simulation ends.
    """

    rows: int = 100
    disagreement: float = 0.06
    loss: float = 0.0
    upward: float = 0.5
    labels: int = 5
    delay: int = 0
    minutes: int = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowCharacteristics:
    """How simulated rollouts ended: outcome, rows and labels until then, one number a rollout."""

    outcomes: Array
    rows: Array
    labels: Array

    def share(self, outcome: int) -> float:
        """Return the share of rollouts that ended so."""
        return float(np.mean(self.outcomes == outcome))

    def error(self, outcome: int) -> float:
        """Return the Monte Carlo standard error of `share`."""
        share = self.share(outcome)
        return float(np.sqrt(share * (1 - share) / len(self.outcomes)))

    def median(self, of: Array, outcome: int) -> float:
        """Return the median of rows or labels where it ended so; nan where none did."""
        ended_so = of[self.outcomes == outcome]
        return float(np.median(ended_so)) if len(ended_so) else float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What is known at the end of a minute; each array has one number a rollout."""

    pairs: int
    apart: Array
    upward: Array
    stable_right: Array
    canary_right: Array

    @property
    def labels(self) -> Array:
        """Labels so far; of two classes one model is always right."""
        return np.asarray(self.stable_right + self.canary_right)

    def counts(self, rollout: int) -> ModelCounts:
        """Return what a controller would observe of one rollout."""
        apart, upward = int(self.apart[rollout]), int(self.upward[rollout])
        return ModelCounts(
            canary={"0": self.pairs - upward, "1": upward},
            stable={"0": self.pairs - apart + upward, "1": apart - upward},
            pairs=self.pairs,
            canary_apart={"0": apart - upward, "1": upward},
            stable_apart={"0": upward, "1": apart - upward},
            stable_right=int(self.stable_right[rollout]),
            canary_right=int(self.canary_right[rollout]),
        )


def simulate(
    policy: Policy,
    scenario: ShadowScenario,
    rollouts: int,
    seed: int,
    trace: list[Totals] | None = None,
) -> ShadowCharacteristics:
    """Return how the shadow phase of a policy with automation auto ends in a scenario.

    The canary is ready all the time, there is one look a minute, and PROMOTED stands for leaving
    the shadow: with later steps the rollout would go on there.

    Args:
        policy: of strategy shadow.
        scenario: the same for all rollouts.
        rollouts: how many.
        seed: of the random numbers.
        trace: filled with the totals after every minute, when given.
    """
    outcomes, ends = np.zeros(rollouts, dtype=int), np.zeros((2, rollouts), dtype=int)
    reference: Totals | None = None
    for now, totals in enumerate(_minutes(scenario, rollouts, np.random.default_rng(seed)), 1):
        if trace is not None:
            trace.append(totals)
        if reference is None and totals.pairs >= REFERENCE_ROWS:
            reference = totals
        verdicts = _decided(policy, totals, reference, now)
        ended = (outcomes == UNDECIDED) & (verdicts != UNDECIDED)
        outcomes = np.where(ended, verdicts, outcomes)
        still = outcomes == UNDECIDED
        until = np.stack([np.full(rollouts, totals.pairs), totals.labels])
        ends = np.where(ended | still, until, ends)
        if not still.any():
            break
    return ShadowCharacteristics(outcomes=outcomes, rows=ends[0], labels=ends[1])


def _minutes(
    scenario: ShadowScenario, rollouts: int, generator: np.random.Generator
) -> Iterator[Totals]:
    none = np.zeros(rollouts, dtype=int)
    apart, upward, stable, canary = [none], none, none, none
    stable_wins = (1 + scenario.loss / scenario.disagreement) / 2
    for now in range(1, scenario.minutes + 1):
        new = generator.binomial(scenario.rows, scenario.disagreement, rollouts)
        apart.append(apart[-1] + new)
        upward = upward + generator.binomial(new, scenario.upward)
        open_ = apart[max(now - scenario.delay, 0)] - stable - canary
        made = np.minimum(open_, scenario.labels)
        right = generator.binomial(made, stable_wins)
        stable, canary = stable + right, canary + made - right
        yield Totals(
            pairs=now * scenario.rows,
            apart=apart[-1],
            upward=upward,
            stable_right=stable,
            canary_right=canary,
        )


def _decided(policy: Policy, totals: Totals, reference: Totals | None, now: int) -> Array:
    """Apply the rules harmed, questioned, unfinished and accepted, in this order."""
    verdicts = np.zeros(len(totals.apart), dtype=int)
    least, long = asked_of(policy.ladder[0], policy)
    if totals.pairs >= least and now >= long:
        verdicts = np.where(_accepted(policy, totals), PROMOTED, verdicts)
    for gate in panel(policy):
        if isinstance(gate, PredictionGate) and reference is not None:
            verdicts = np.where(_questioned(gate, totals, reference), QUESTION, verdicts)
        if isinstance(gate, LabelGate):
            verdicts = np.where(_harmed(gate, totals), ROLLED_BACK, verdicts)
    return verdicts


def _harmed(gate: LabelGate, totals: Totals) -> Array:
    log_e = np.minimum(label_accuracy.harm(totals.stable_right, totals.canary_right), 600.0)
    enough = totals.labels >= gate.promise.minimum_events
    return np.asarray(enough & (gate.promise.alpha * np.exp(log_e) >= 1))


def _questioned(gate: PredictionGate, totals: Totals, reference: Totals) -> Array:
    apart = totals.apart - reference.apart
    upward = totals.upward - reference.upward
    hits = np.stack([upward, apart - upward, np.zeros_like(apart)], axis=-1)
    trials = np.stack([apart, apart, np.zeros_like(apart)], axis=-1)
    won = log_factor(hits[..., None], trials[..., None], 0.5, prediction_shares.ODDS)
    wealth = won.reshape(len(apart), -1)
    log_e = np.logaddexp.reduce(wealth, axis=-1) - np.log(wealth.shape[1])
    variation = np.abs(2 * totals.upward - totals.apart) / totals.pairs
    return np.asarray((log_e >= -np.log(gate.false_question)) & (variation >= gate.tolerated))


def _accepted(policy: Policy, totals: Totals) -> Array:
    agreed = np.ones(len(totals.apart), dtype=bool)
    for gate in panel(policy):
        if isinstance(gate, LabelGate):
            stable, canary = totals.stable_right, totals.canary_right
            none = np.zeros_like(stable)
            beta = gate.promise.beta
            bounds = label_accuracy.loss_bounds(
                totals.pairs, totals.apart, (stable, canary, none), beta
            )
            agreed &= bounds[1] < gate.margin
        if isinstance(gate, DisagreementGate) and gate.limit is not None:
            high = mean_bounds(totals.apart, totals.pairs, gate.false_question)[1]
            agreed &= high <= gate.limit
    return agreed
