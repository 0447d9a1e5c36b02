"""The prediction gate: does the canary give other classes, or the same ones in other shares?

It compares with the stable revision and not with training data, so that what comes from outside
changes both. Each class has its own bets, all by the formula of `evidence`:

    both answer     trials                          a hit        chance if the shares are equal
    -------------   -----------------------------   ----------   ------------------------------
    other rows      rows of the class, of both      canary's     canary's share of all rows
    the same rows   rows of the class, where they   canary's     1/2 (McNemar 1947; Stuart 1955)
    (shadow)        disagree, of both

Source: Turner, Ly and Gruenwald 2021, arXiv 2106.02693 (two streams at any time); the mean of the
bets on all classes is an e-process because each of them is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.judgement.confidence_sequences import deviation
from kanaria.serving.rollout.judgement.e_process_bets import log_factor
from kanaria.serving.rollout.judgement.gates.gate import LARGEST_LOG, Finding, Gate, evidence_text
from kanaria.serving.rollout.judgement.gates.gate_kind import (
    GateKind,
    Needs,
    Setting,
    Share,
    SharesRow,
    Unsaid,
)
from kanaria.serving.rollout.judgement.gates.gate_parameters import Chance, Part
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.traffic_strategy import Strategy

ODDS = np.array([0.5, 0.8, 1.25, 2.0])
REFERENCE_ROWS = 200
"""Rows of the stable revision that tell which classes there are; they are not bet on."""
OTHERS = "others"
"""All classes that were not seen by then, as one."""

Counts = tuple[int, ...]


class PredictionsPolicy(Part):
    """The gate on the distribution of predictions.

    Attributes:
        tolerated: total variation distance, the largest change of the share of any set of
            classes, below which nobody is asked.
        false_question: probability, at most, of asking although the distributions are equal.
    """

    tolerated: Annotated[float, Field(ge=0, lt=1)] = 0.02
    false_question: Chance = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionEvidence:
    """What was compared so far.

    Attributes:
        heard: end of the last interval with new rows of both, seconds since 1970, or None.
        classes: that are bet on, the last one for all others; empty until they are known.
        canary: rows of the canary by class, as last seen; in the shadow, of disagreement.
        stable: the same of the stable revision.
        canary_rows: of all classes; in the shadow, pairs.
        stable_rows: the same of the stable revision.
        wealth: log wealth of each bet, class by class and `ODDS` by `ODDS`.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    heard: float | None
    classes: tuple[str, ...]
    canary: Counts
    stable: Counts
    canary_rows: int
    stable_rows: int
    wealth: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionGate(Gate[PredictionEvidence]):
    """Compares how both revisions' predictions are spread over classes.

    Promises, whenever and however often one looks: where both give every class equally often, a
    person is asked with probability at most `false_question`. It never rolls back: a better model
    predicts otherwise too. What is asked about has an effect of at least `tolerated`.
    """

    tolerated: float
    false_question: float
    paired: bool
    name: str = "predictions"

    def start(self) -> PredictionEvidence:
        """Return the evidence before anything was observed."""
        return PredictionEvidence(
            heard=None, classes=(), canary=(), stable=(), canary_rows=0, stable_rows=0, wealth=()
        )

    def observe(self, evidence: PredictionEvidence, observation: Observation) -> PredictionEvidence:
        """Return the evidence after one more interval."""
        models = observation.models
        if models is None:
            return evidence
        current = self._counted(evidence.classes or _classes(models), models)
        if not evidence.classes:
            return self._refer(evidence, current, observation.now)
        grown = _differences(evidence, current)
        if min(grown.canary_rows, grown.stable_rows) <= 0:
            return evidence
        heard = replace(current, heard=observation.now, wealth=evidence.wealth)
        if min(*grown.canary, *grown.stable) < 0:
            # The store has forgotten rows, so it cannot be told which ones are new.
            return heard
        won = np.asarray(evidence.wealth) + self._growth(grown)
        return replace(heard, wealth=tuple(float(one) for one in won))

    def judge(self, evidence: PredictionEvidence) -> Finding:
        """Return what the evidence says."""
        if not evidence.classes or not evidence.canary_rows:
            return Finding(gate=self.name, text="predictions: too few rows to compare yet")
        differ_e = math.exp(min(float(np.logaddexp.reduce(evidence.wealth)), LARGEST_LOG))
        apart, error = self._variation(evidence)
        text = (
            f"predictions: {evidence.canary_rows} rows of the canary, {evidence.stable_rows} of "
            f"stable; {_most_changed(evidence)}; evidence of a difference "
            f"{evidence_text(differ_e)} of {1 / self.false_question:.3g}, "
            f"by {100 * apart:.2f} ± {100 * error:.2f} % in all"
        )
        asks = differ_e >= 1 / self.false_question and apart >= self.tolerated
        return Finding(
            gate=self.name,
            text=text,
            question=f"the canary predicts otherwise: {text}" if asks else "",
            accepted=not asks,
            numbers={
                "canary_rows": float(evidence.canary_rows),
                "stable_rows": float(evidence.stable_rows),
                "difference_e_value": differ_e,
                "variation": apart,
                "variation_low": max(apart - error, 0.0),
                "variation_high": min(apart + error, 1.0),
            },
        )

    def _refer(
        self, evidence: PredictionEvidence, current: PredictionEvidence, now: float
    ) -> PredictionEvidence:
        """Wait until the stable revision has shown its classes."""
        heard = now if current.stable_rows > evidence.stable_rows else evidence.heard
        if current.stable_rows >= REFERENCE_ROWS:
            return replace(current, heard=heard)
        return replace(evidence, heard=heard, stable_rows=current.stable_rows)

    def _counted(self, classes: tuple[str, ...], models: ModelCounts) -> PredictionEvidence:
        canary, stable = models.canary, models.stable
        rows = (sum(canary.values()), sum(stable.values()))
        if self.paired:
            canary, stable = models.canary_apart, models.stable_apart
            rows = (models.pairs, models.pairs)
        bets = len(classes) * len(ODDS)
        return PredictionEvidence(
            heard=None,
            classes=classes,
            canary=_table(canary, classes),
            stable=_table(stable, classes),
            canary_rows=rows[0],
            stable_rows=rows[1],
            wealth=(-math.log(bets),) * bets,
        )

    def _growth(self, grown: PredictionEvidence) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        hits = np.array(grown.canary)[:, None]
        trials = hits + np.array(grown.stable)[:, None]
        chance = grown.canary_rows / (grown.canary_rows + grown.stable_rows)
        return log_factor(hits, trials, chance, ODDS).reshape(-1)

    def _variation(self, evidence: PredictionEvidence) -> tuple[float, float]:
        """Return the total variation distance, and how far it ever is from what is expected.

        It is the largest difference over all sets of classes, so the error of each of these is
        made so small that all of them hold together.
        """
        canary, stable = evidence.canary_rows, evidence.stable_rows
        shares = np.array(evidence.canary) / canary - np.array(evidence.stable) / stable
        each = self.false_question / 2.0 ** (len(evidence.classes) + 1)
        if self.paired:
            return float(np.abs(shares).sum() / 2), deviation(canary, each, variance=1.0)
        error = deviation(canary, each / 2) + deviation(stable, each / 2)
        return float(np.abs(shares).sum() / 2), error


def _classes(models: ModelCounts) -> tuple[str, ...]:
    return (*sorted({*models.canary, *models.stable} - {OTHERS}), OTHERS)


def _table(counts: Mapping[str, int], classes: tuple[str, ...]) -> Counts:
    named = [counts.get(name, 0) for name in classes[:-1]]
    return (*named, sum(counts.values()) - sum(named))


def _differences(before: PredictionEvidence, after: PredictionEvidence) -> PredictionEvidence:
    def rest(new: Counts, old: Counts) -> Counts:
        return tuple(one - other for one, other in zip(new, old, strict=True))

    return replace(
        after,
        canary=rest(after.canary, before.canary),
        stable=rest(after.stable, before.stable),
        canary_rows=after.canary_rows - before.canary_rows,
        stable_rows=after.stable_rows - before.stable_rows,
    )


def _most_changed(evidence: PredictionEvidence) -> str:
    canary = np.array(evidence.canary) / evidence.canary_rows
    stable = np.array(evidence.stable) / evidence.stable_rows
    most = int(np.argmax(np.abs(canary - stable)))
    change = 100 * float(canary[most] - stable[most])
    return f"most changed is {evidence.classes[most]!r}, by {change:+.2f} points"


def build(parameters: PredictionsPolicy, setting: Setting) -> PredictionGate:
    """Return the gate."""
    return PredictionGate(
        tolerated=parameters.tolerated,
        false_question=parameters.false_question,
        paired=setting.strategy is Strategy.SHADOW,
    )


def _shares(numbers: Mapping[str, float]) -> tuple[Share, ...]:
    if "variation" not in numbers:
        return ()
    low, high = numbers["variation_low"], numbers["variation_high"]
    return (Share(name="total variation", value=numbers["variation"], low=low, high=high),)


def _limit(parameters: PredictionsPolicy) -> tuple[float, str]:
    return parameters.tolerated, f"tolerated {parameters.tolerated:.3g}"


KIND = GateKind(
    name="predictions",
    meaning="shares of the classes; needs a drift server, and is on in the shadow where unsaid.",
    parameters=PredictionsPolicy,
    evidence=PredictionEvidence,
    build=build,
    needs=Needs.ANSWERS,
    unsaid=Unsaid.ON_IN_SHADOW,
    strategies=frozenset({Strategy.SHADOW, Strategy.CANARY}),
    misfit="needs both models to serve at once: shadow or canary",
    row=SharesRow(
        title="Predictions of the canary apart from stable's", shares=_shares, limit=_limit
    ),
)
