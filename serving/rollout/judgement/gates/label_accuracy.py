"""The label gate: which model is right where they disagree?

Where both models give the same answer both are right or both are wrong, so labels are needed of
rows of disagreement alone, and the loss of accuracy is

    loss = P(they disagree) * (P(stable alone right) - P(canary alone right), given they disagree).

    verdict   said when                                      promise, at all looks together
    -------   --------------------------------------------   -----------------------------------
    harm      a bet on the labelled rows on which one model  a canary that is no worse uses up
              alone is right has won 1 / alpha: a sign test  alpha with probability <= alpha
    health    the upper bound of the loss is below `margin`  said of a canary that loses `margin`
                                                             or more with probability <= beta

The bound multiplies two confidence sequences, each at beta / 2: of the rate of disagreement over
all pairs, and of the difference over its labelled rows. Without any label the difference is at
most 1, so models that hardly disagree are accepted without one.

Both promises take the labelled rows for a fair sample of the rows of disagreement: that a label
comes, and when, must not depend on which model is right. `GET /disagreements` of the drift server
lists the oldest ones first, whatever was answered.

Sources: Waudby-Smith and Ramdas 2020, arXiv 2010.09686 (betting); Howard et al. 2021, arXiv
1810.08240 (confidence sequences); McNemar 1947 (discordant pairs alone).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict, Field

from kanaria.serving.rollout.judgement.confidence_sequences import mean_bounds
from kanaria.serving.rollout.judgement.counts_needed import factor_until
from kanaria.serving.rollout.judgement.e_process_bets import Floats, log_factor, mixed
from kanaria.serving.rollout.judgement.gates.gate import (
    LARGEST_LOG,
    Finding,
    Gate,
    Promise,
    RateCounts,
    evidence_text,
)
from kanaria.serving.rollout.judgement.gates.gate_kind import (
    GateKind,
    Needs,
    Setting,
    Share,
    SharesRow,
    Unsaid,
)
from kanaria.serving.rollout.judgement.gates.gate_parameters import Part
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.traffic_strategy import Strategy

ODDS = np.array([1.5, 2.0, 3.0, 8.0])
"""Rows on which stable alone is right to those on which the canary alone is, as bet on."""
PRIOR = np.log([0.2, 0.5, 0.2, 0.1])
DIFFERENCE_PRIOR = (8.0, 8.0)
"""Models that pass are about equally often right where they disagree: there the bound is tight."""


class LabelsPolicy(Part):
    """The gate on which model is right where they disagree.

    Attributes:
        margin: loss of accuracy, as a share of all rows, at which a canary must not be promoted.
        weight: of the gate when `false_rollback` is split.
        minimum_labels: of rows on which one model alone is right, below which there is no
            rollback by this gate.
    """

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    weight: Annotated[float, Field(gt=0, le=100)] = 2.0
    minimum_labels: Annotated[int, Field(ge=1)] = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelEvidence:
    """What the labels said so far.

    Attributes:
        heard: end of the last interval with new pairs, seconds since 1970, or None.
        pairs: rows that both answered.
        disagreements: of those, with two different answers.
        stable_right: labelled rows of disagreement on which the stable revision alone is right.
        canary_right: the same of the canary.
        neither_right: labelled rows of disagreement on which none is preferred.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    heard: float | None
    pairs: int
    disagreements: int
    stable_right: int
    canary_right: int
    neither_right: int

    @property
    def labelled(self) -> int:
        """Rows of disagreement with a label."""
        return self.stable_right + self.canary_right + self.neither_right


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelGate(Gate[LabelEvidence]):
    """Counts who is right where the models disagree; see the table of the module."""

    margin: float
    promise: Promise
    name: str = "labels"

    def start(self) -> LabelEvidence:
        """Return the evidence before anything was observed."""
        return LabelEvidence(
            heard=None, pairs=0, disagreements=0, stable_right=0, canary_right=0, neither_right=0
        )

    def observe(self, evidence: LabelEvidence, observation: Observation) -> LabelEvidence:
        """Return the evidence after one more interval."""
        models = observation.models
        if models is None:
            return evidence
        grown = models.pairs > evidence.pairs
        return LabelEvidence(
            heard=observation.now if grown else evidence.heard,
            pairs=models.pairs,
            disagreements=models.disagreements,
            stable_right=models.stable_right,
            canary_right=models.canary_right,
            neither_right=models.neither_right,
        )

    def judge(self, evidence: LabelEvidence) -> Finding:
        """Return what the evidence says."""
        one_right = evidence.stable_right + evidence.canary_right
        harm_e = math.exp(
            min(float(harm(evidence.stable_right, evidence.canary_right)), LARGEST_LOG)
        )
        bounds = loss_bounds(
            evidence.pairs,
            evidence.disagreements,
            (evidence.stable_right, evidence.canary_right, evidence.neither_right),
            self.promise.beta,
        )
        low, high = (float(bound) for bound in bounds)
        return Finding(
            gate=self.name,
            text=self._text(evidence, harm_e, (low, high)),
            spent=self.promise.alpha * harm_e if one_right >= self.promise.minimum_events else 0.0,
            accepted=evidence.pairs > 0 and high < self.margin,
            numbers={
                "pairs": float(evidence.pairs),
                "disagreements": float(evidence.disagreements),
                "labelled": float(evidence.labelled),
                "stable_right": float(evidence.stable_right),
                "canary_right": float(evidence.canary_right),
                "harm_e_value": harm_e,
                "loss_low": low,
                "loss_high": high,
            },
        )

    def needed(self, evidence: LabelEvidence, _step: RateCounts, /) -> float | None:
        """Estimate how many more rows it takes, if labels keep coming as they have."""

        def agrees(factor: float) -> bool:
            _, high = loss_bounds(
                factor * evidence.pairs,
                factor * evidence.disagreements,
                (
                    factor * evidence.stable_right,
                    factor * evidence.canary_right,
                    factor * evidence.neither_right,
                ),
                self.promise.beta,
            )
            return bool(high < self.margin)

        factor = factor_until(agrees) if evidence.pairs else None
        return None if factor is None else (factor - 1) * evidence.pairs

    def _text(self, evidence: LabelEvidence, harm_e: float, loss: tuple[float, float]) -> str:
        low, high = loss
        return (
            f"labels: {evidence.labelled} of {evidence.disagreements} rows of disagreement, stable "
            f"alone right {evidence.stable_right}, canary alone {evidence.canary_right}; evidence "
            f"of harm {evidence_text(harm_e)} of {1 / self.promise.alpha:.3g}; loss of accuracy "
            f"between {100 * low:.2f} and {100 * high:.2f} points, where it must be below "
            f"{100 * self.margin:g}"
        )


def harm(stable_right: ArrayLike, canary_right: ArrayLike) -> Floats:
    """Return the logarithm of the e-value against a canary that is right as often; arrays too."""
    hits = np.asarray(stable_right)[..., None]
    trials = hits + np.asarray(canary_right)[..., None]
    return mixed(PRIOR + log_factor(hits, trials, 0.5, ODDS))


def loss_bounds(
    pairs: ArrayLike,
    disagreements: ArrayLike,
    right: tuple[ArrayLike, ArrayLike, ArrayLike],
    error: float,
) -> tuple[Floats, Floats]:
    """Return the bounds of the loss of accuracy, as a share of all rows; arrays too.

    Args:
        pairs: rows that both answered.
        disagreements: of those, with two different answers.
        right: of those, labelled rows on which the stable revision alone is right, the canary
            alone is, and none is preferred.
        error: probability that the loss is ever outside.
    """
    rate = mean_bounds(disagreements, pairs, error / 2)
    stable, canary, neither = (np.asarray(rows) for rows in right)
    labelled = stable + canary + neither
    won = stable + neither / 2
    difference = [
        2 * bound - 1 for bound in mean_bounds(won, labelled, error / 2, DIFFERENCE_PRIOR)
    ]
    corners = np.stack([one * other for one in rate for other in difference])
    return np.asarray(corners.min(axis=0)), np.asarray(corners.max(axis=0))


def build(parameters: LabelsPolicy, setting: Setting) -> LabelGate:
    """Return the gate."""
    least = parameters.minimum_labels
    promise = Promise(alpha=setting.alpha, beta=setting.beta, minimum_events=least)
    return LabelGate(margin=parameters.margin, promise=promise)


def _shares(numbers: Mapping[str, float]) -> tuple[Share, ...]:
    if not numbers.get("pairs"):
        return ()
    return (
        Share(name="at most", value=max(numbers["loss_high"], 0.0)),
        Share(name="at least", value=max(numbers["loss_low"], 0.0)),
    )


def _limit(parameters: LabelsPolicy) -> tuple[float, str]:
    return parameters.margin, f"must be below {parameters.margin:.3g}"


KIND = GateKind(
    name="labels",
    meaning="which model is right where they differ; strategy shadow, and on there where unsaid.",
    parameters=LabelsPolicy,
    evidence=LabelEvidence,
    build=build,
    needs=Needs.ANSWERS,
    unsaid=Unsaid.ON_IN_SHADOW,
    strategies=frozenset({Strategy.SHADOW}),
    misfit="compares answers to the same rows: it needs strategy shadow",
    told_in_shadow=True,
    row=SharesRow(title="Accuracy that the canary loses", shares=_shares, limit=_limit),
)
