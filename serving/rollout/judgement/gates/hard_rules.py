"""The hard rules: a model that does not load, containers that restart or run out of memory."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from kanaria.serving.rollout.judgement.gates.gate import Finding, Gate
from kanaria.serving.rollout.judgement.gates.gate_kind import GateKind, Needs, Setting
from kanaria.serving.rollout.judgement.gates.gate_parameters import Part
from kanaria.serving.rollout.observations.interval_observation import Observation


class HardRulesPolicy(Part):
    """The rules on facts.

    Attributes:
        restarts: of the canary's containers that are allowed.
        oom_kills: of the canary's containers that are allowed.
    """

    restarts: Annotated[int, Field(ge=0)] = 2
    oom_kills: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HardEvidence:
    """What the platform said of the canary so far.

    Attributes:
        heard: end of the last interval in which readiness was known, or None.
        ready: in the last interval; None where not known.
        ready_at: end of the last interval in which it was ready, or None.
        failure: why the model did not load, or "".
        restarts: since the rollout began.
        oom_kills: since the rollout began.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    heard: float | None = None
    ready: bool | None = None
    ready_at: float | None = None
    failure: str = ""
    restarts: int = 0
    oom_kills: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HardRules(Gate[HardEvidence]):
    """Stops a canary on facts; no chance is involved, so it uses up no share of alpha.

    That a canary with traffic must be ready is a rule of `decide`, which knows the traffic.
    """

    restarts: int
    oom_kills: int
    name: str = "hard_rules"

    def start(self) -> HardEvidence:
        """Return the evidence before anything was observed."""
        return HardEvidence()

    def observe(self, evidence: HardEvidence, observation: Observation) -> HardEvidence:
        """Return the evidence after one more interval."""
        facts = observation.facts
        return HardEvidence(
            heard=evidence.heard if facts.ready is None else observation.now,
            ready=facts.ready,
            ready_at=observation.now if facts.ready else evidence.ready_at,
            failure=facts.failure,
            restarts=evidence.restarts + facts.restarts,
            oom_kills=evidence.oom_kills + facts.oom_kills,
        )

    def judge(self, evidence: HardEvidence) -> Finding:
        """Return what the evidence says."""
        stop = self._stop(evidence)
        readiness = {True: "ready", False: "not ready", None: "readiness unknown"}[evidence.ready]
        text = stop or f"{readiness}, {evidence.restarts} restarts, {evidence.oom_kills} OOM kills"
        return Finding(
            gate=self.name,
            text=text,
            stop=stop,
            accepted=not stop and evidence.ready is True,
            numbers={
                "restarts": float(evidence.restarts),
                "oom_kills": float(evidence.oom_kills),
            },
        )

    def _stop(self, evidence: HardEvidence) -> str:
        if evidence.failure:
            return f"the model did not load: {evidence.failure}"
        if evidence.oom_kills > self.oom_kills:
            return f"{evidence.oom_kills} OOM kills; {self.oom_kills} are allowed"
        if evidence.restarts > self.restarts:
            return f"{evidence.restarts} restarts; {self.restarts} are allowed"
        return ""


def build(parameters: HardRulesPolicy, _setting: Setting) -> HardRules:
    """Return the gate."""
    return HardRules(restarts=parameters.restarts, oom_kills=parameters.oom_kills)


KIND = GateKind(
    name="hard_rules",
    meaning="facts, which are always looked at.",
    parameters=HardRulesPolicy,
    evidence=HardEvidence,
    build=build,
    needs=Needs.FACTS,
    required=True,
)
