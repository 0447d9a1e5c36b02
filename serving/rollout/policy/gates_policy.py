"""The part of a policy that names the gates, made of the kinds that there are. Pure."""

from typing import Any, Literal

from pydantic import create_model

from kanaria.serving.rollout.judgement.gates.gate_kind import GateKind, Unsaid
from kanaria.serving.rollout.judgement.gates.gate_parameters import Part
from kanaria.serving.rollout.judgement.gates.gate_registry import KINDS
from kanaria.serving.rollout.traffic_strategy import Strategy


def _field(kind: GateKind) -> Any:
    """Return type and default of a gate's key; None is what was left unsaid."""
    parameters: Any = kind.parameters
    if kind.required:
        return parameters, parameters()
    if kind.unsaid is Unsaid.ON:
        return parameters | Literal[False], parameters()
    return parameters | Literal[False] | None, None


_Keys: Any = create_model("_Keys", __base__=Part, **{kind.name: _field(kind) for kind in KINDS})


class GatesPolicy(_Keys):
    """The gates; `false` leaves one out. Facts are always looked at."""

    @property
    def on(self) -> dict[str, Part]:
        """Name -> parameters of the gates that are on, in the order of `KINDS`."""
        values = {kind.name: getattr(self, kind.name) for kind in KINDS}
        return {name: parameters for name, parameters in values.items() if parameters}

    @property
    def kinds(self) -> tuple[GateKind, ...]:
        """The kinds of the gates that are on."""
        return tuple(kind for kind in KINDS if getattr(self, kind.name))

    @property
    def on_models(self) -> tuple[str, ...]:
        """Names of the gates that look at what models answer, as far as they are on."""
        return tuple(kind.name for kind in self.kinds if kind.asks_drift_server)


GatesPolicy.__doc__ = f"{GatesPolicy.__doc__}\n\n    Attributes:\n" + "\n".join(
    f"        {kind.name}: {kind.meaning}" for kind in KINDS
)
PARAMETERS = {kind.parameters.__name__ for kind in KINDS if not kind.required}
"""Names of what may stand in the place of a gate, beside false."""


def resolved(gates: GatesPolicy, strategy: Strategy) -> GatesPolicy:
    """Return the gates with what was left unsaid decided."""
    unsaid = [kind for kind in KINDS if getattr(gates, kind.name) is None]
    decided = {kind.name: _unsaid(kind, strategy) for kind in unsaid}
    return gates.model_copy(update=decided)


def _unsaid(kind: GateKind, strategy: Strategy) -> Part | Literal[False]:
    is_on = kind.unsaid is Unsaid.ON_IN_SHADOW and strategy is Strategy.SHADOW
    return kind.parameters() if is_on else False


def misfits(gates: GatesPolicy, strategy: Strategy) -> list[str]:
    """Return what is wrong with the gates of a policy under its strategy."""
    wrong = [
        f"{kind.name} {kind.misfit}" for kind in gates.kinds if strategy not in kind.strategies
    ]
    judges = [kind for kind in KINDS if kind.weighs and not kind.optional]
    able = [kind.name for kind in judges if strategy in kind.strategies]
    if strategy is not Strategy.BASIC and not set(able) & set(gates.on):
        names = ", ".join(able[:-1]) + " or " * (len(able) > 1) + able[-1]
        wrong.append(f"{names} must be on, or nothing would judge the canary")
    return wrong
