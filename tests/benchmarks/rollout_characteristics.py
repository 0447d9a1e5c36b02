"""Operating characteristics of rollout policies: how often, and after how many canary requests.

Usage: rollout_characteristics.py [ROLLOUTS] [SEED]   20,000 rollouts and seed 1 by default.

600 requests a minute, 10 % of them the canary's (the default: 10, 50 %; the ramp: 10, 25, 50 %), a
look every minute, stable errors 1 %, slow answers 5 %. A share has its Monte Carlo standard error
beside it, the median of canary requests follows in brackets. Where traffic is low, 10 requests a
minute, a tenth of the rollouts is simulated.

Bursts are gamma factors of mean 1 on each minute's rate; their variation is the standard deviation
of the factor. `allowed` is the policy with this number as the gate's `variation`.

Then shadows: 100 rows a minute that both answer, 6 % of them differently, of which 5 a minute are
labelled, oldest first. The medians of rows and of labels follow in brackets.
"""

import sys
from itertools import product

from kanaria.serving.rollout.policy.rollout_policy import Policy, parse
from kanaria.serving.rollout.simulation import shadow_simulation
from kanaria.serving.rollout.simulation.canary_simulation import (
    PROMOTED,
    ROLLED_BACK,
    UNDECIDED,
    Characteristics,
    simulate,
)
from kanaria.serving.rollout.simulation.scenario import Scenario
from kanaria.serving.rollout.simulation.shadow_simulation import (
    QUESTION,
    ShadowCharacteristics,
    ShadowScenario,
)

DEFAULT = "strategy: canary"
POLICIES = {
    "default": DEFAULT,
    "all gates, one step": "steps: [{percent: 10}]",
    "errors alone, one step": "steps: [{percent: 10}]\ngates: {latency: false, refusals: false}",
    "ramp": "steps: [{percent: 10}, {percent: 25}, {percent: 50}]",
}
SCENARIOS = {
    "no worse": Scenario(),
    "no errors at all": Scenario(canary_errors=0.0, stable_errors=0.0),
    "errors x 1.5": Scenario(canary_errors=0.015),
    "errors x 2": Scenario(canary_errors=0.02),
    "errors x 4": Scenario(canary_errors=0.04),
    "slow x 2": Scenario(canary_slow=0.10),
    "slow x 4": Scenario(canary_slow=0.20),
    "slow x 6 for 1 minute of each step": Scenario(cold_slow=0.3, cold_minutes=1),
    "slow x 6 for 2 minutes of each step": Scenario(cold_slow=0.3, cold_minutes=2),
}
LOW = {
    "no worse": Scenario(requests=10, minutes=3000),
    "errors x 2": Scenario(requests=10, minutes=3000, canary_errors=0.02),
    "errors x 4": Scenario(requests=10, minutes=3000, canary_errors=0.04),
    "slow x 2": Scenario(requests=10, minutes=3000, canary_slow=0.10),
}
NO_WARM_UP = "warm_up: {minutes: 0, requests: 0}"
LATE = {
    f"variation {shape**-0.5:.2g}, seen {lag:g} minutes late": Scenario(
        slow_burst_shape=shape, lag=lag
    )
    for shape in (2.0, 0.5)
    for lag in (0.0, 0.25, 1.0)
}
SHAPES = (2.0, 0.5, 0.2)
NONE = {"no worse": Scenario(minutes=480)}


def bursts(gate: str, shape: float, *, shared: bool) -> dict[str, Scenario]:
    """Return scenarios with bursts on one gate's rate: a canary no worse, and one at the margin."""
    if gate == "errors":
        return {
            "no worse": Scenario(burst_shape=shape, shared_bursts=shared, minutes=480),
            "errors x 2": Scenario(
                burst_shape=shape, shared_bursts=shared, minutes=480, canary_errors=0.02
            ),
        }
    return {
        "no worse": Scenario(slow_burst_shape=shape, shared_bursts=shared, minutes=480),
        "slow x 2": Scenario(
            slow_burst_shape=shape, shared_bursts=shared, minutes=480, canary_slow=0.10
        ),
    }


SHADOW_POLICIES = {
    "shadow, all gates": "strategy: shadow",
    "shadow, models alone": "strategy: shadow\ngates: {errors: false, latency: false}",
}
SHADOWS = {
    "right as often": ShadowScenario(),
    "right as often, labels 2 h late": ShadowScenario(delay=120),
    "1 point better": ShadowScenario(loss=-0.01),
    "1 point worse": ShadowScenario(loss=0.01),
    "2 points worse": ShadowScenario(loss=0.02),
    "2 points worse, labels 2 h late": ShadowScenario(loss=0.02, delay=120),
    "disagree 0.5 %, no labels": ShadowScenario(disagreement=0.005, labels=0),
    "disagree 2 %, all losses, no labels": ShadowScenario(
        disagreement=0.02, loss=0.02, labels=0, minutes=300
    ),
    "70 % of disagreements to one side": ShadowScenario(upward=0.7),
}


def shadow_row(name: str, shadow: ShadowCharacteristics) -> str:
    """Return one line of the table of shadows."""
    cells = [f"  {name:38}"]
    for title, outcome in (("back", ROLLED_BACK), ("promoted", PROMOTED), ("asked", QUESTION)):
        share, error = 100 * shadow.share(outcome), 100 * shadow.error(outcome)
        rows, labels = shadow.median(shadow.rows, outcome), shadow.median(shadow.labels, outcome)
        cells.append(f"{title} {share:6.2f} ± {error:.2f} % ({rows:5.0f}, {labels:3.0f})")
    return "  ".join([*cells, f"undecided {100 * shadow.share(UNDECIDED):5.2f} %\n"])


def shadow_table(title: str, policy: Policy, count: int, seed: int) -> None:
    """Print how a policy of strategy shadow fares in every scenario."""
    sys.stdout.write(f"{title}\n")
    for name, scenario in SHADOWS.items():
        shadow = shadow_simulation.simulate(policy, scenario, count, seed)
        sys.stdout.write(shadow_row(name, shadow))
        sys.stdout.flush()


def row(name: str, canary: Characteristics) -> str:
    """Return one line of the table."""
    cells = [f"  {name:38}"]
    for title, outcome in (("back", ROLLED_BACK), ("promoted", PROMOTED)):
        share, error = 100 * canary.share(outcome), 100 * canary.error(outcome)
        cells.append(
            f"{title} {share:6.2f} ± {error:.2f} % ({canary.median_requests(outcome):5.0f})"
        )
    return "  ".join([*cells, f"undecided {100 * canary.share(UNDECIDED):5.2f} %\n"])


def table(
    title: str, policy: Policy, scenarios: dict[str, Scenario], count: int, seed: int
) -> None:
    """Print how a policy fares in every scenario."""
    sys.stdout.write(f"{title}\n")
    for name, scenario in scenarios.items():
        sys.stdout.write(row(name, simulate(policy, scenario, count, seed)))
        sys.stdout.flush()


def burst_tables(gate: str, shape: float, count: int, seed: int) -> None:
    """Print how the default fares under bursts of a gate's rate, and one that allows for them."""
    variation = round(shape**-0.5, 2)
    allowed = parse(f"gates: {{{gate}: {{variation: {variation}}}}}")
    of = f"{gate} in bursts of variation {variation:g}"
    shared, own = (bursts(gate, shape, shared=shared) for shared in (True, False))
    table(f"default, {of}, shared", parse(DEFAULT), shared, count, seed)
    table(f"default, {of}, own", parse(DEFAULT), own, count, seed)
    table(f"allowed, {of}, own", allowed, own, count, seed)
    table(f"allowed, {of}, none there", allowed, NONE, count, seed)


def main() -> None:
    """Print all tables."""
    defaults = ["20000", "1"]
    words = sys.argv[1:]
    count, seed = (int(word) for word in [*words, *defaults[len(words) :]])
    for title, text in POLICIES.items():
        table(title, parse(text), SCENARIOS, count, seed)
    table("default without a warm-up", parse(NO_WARM_UP), SCENARIOS, count, seed)
    table("default, 10 requests a minute", parse(DEFAULT), LOW, max(count // 10, 1), seed)
    table("default, the whole machine is slow at times", parse(DEFAULT), LATE, count, seed)
    for gate, shape in product(("errors", "latency"), SHAPES):
        burst_tables(gate, shape, count, seed)
    for title, text in SHADOW_POLICIES.items():
        shadow_table(title, parse(text), count, seed)


if __name__ == "__main__":
    main()
