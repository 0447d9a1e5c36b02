"""Operating characteristics of rollout policies: how often, and after how many canary requests.

Usage: rollout_characteristics.py [ROLLOUTS] [SEED]   20,000 rollouts and seed 1 by default.

600 requests a minute, 10 % of them the canary's (the ramp: 10, 25, 50 %), a look every minute,
stable errors 1 %, slow answers 5 %. A share has its Monte Carlo standard error beside it, the
median of canary requests follows in brackets.

Then shadows: 100 rows a minute that both answer, 6 % of them differently, of which 5 a minute are
labelled, oldest first. The medians of rows and of labels follow in brackets.
"""

import sys

from kanaria.serving.rollout import simulate_shadow
from kanaria.serving.rollout.policy import Policy, parse
from kanaria.serving.rollout.simulate import (
    PROMOTED,
    ROLLED_BACK,
    UNDECIDED,
    Characteristics,
    Scenario,
    simulate,
)
from kanaria.serving.rollout.simulate_shadow import (
    ASKED,
    ShadowCharacteristics,
    ShadowScenario,
)

POLICIES = {
    "all gates": "steps: [{percent: 10}]",
    "errors alone": "steps: [{percent: 10}]\ngates: {latency: false}",
    "ramp": "steps: [{percent: 10}, {percent: 25}, {percent: 50}]",
}
SCENARIOS = {
    "no worse": Scenario(),
    "no errors at all": Scenario(canary_errors=0.0, stable_errors=0.0),
    "errors x 1.5": Scenario(canary_errors=0.015),
    "errors x 2": Scenario(canary_errors=0.02),
    "errors x 4": Scenario(canary_errors=0.04),
    "slow x 2": Scenario(canary_slow=0.10),
}
BURSTS = {
    f"gamma shape {shape:g}, {'shared' if shared else 'own'}, errors x {ratio}": Scenario(
        canary_errors=0.01 * ratio, burst_shape=shape, shared_bursts=shared
    )
    for shape in (2.0, 0.5, 0.2)
    for shared in (True, False)
    for ratio in (1, 2)
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


def shadow_row(name: str, found: ShadowCharacteristics) -> str:
    """Return one line of the table of shadows."""
    cells = [f"  {name:38}"]
    for title, outcome in (("back", ROLLED_BACK), ("promoted", PROMOTED), ("asked", ASKED)):
        share, error = 100 * found.share(outcome), 100 * found.error(outcome)
        rows, labels = found.median(found.rows, outcome), found.median(found.labels, outcome)
        cells.append(f"{title} {share:6.2f} ± {error:.2f} % ({rows:5.0f}, {labels:3.0f})")
    return "  ".join([*cells, f"undecided {100 * found.share(UNDECIDED):5.2f} %\n"])


def shadow_table(title: str, policy: Policy, count: int, seed: int) -> None:
    """Print how a policy of strategy shadow fares in every scenario."""
    sys.stdout.write(f"{title}\n")
    for name, scenario in SHADOWS.items():
        found = simulate_shadow.simulate(policy, scenario, count, seed)
        sys.stdout.write(shadow_row(name, found))
        sys.stdout.flush()


def row(name: str, found: Characteristics) -> str:
    """Return one line of the table."""
    cells = [f"  {name:38}"]
    for title, outcome in (("back", ROLLED_BACK), ("promoted", PROMOTED)):
        share, error = 100 * found.share(outcome), 100 * found.error(outcome)
        cells.append(
            f"{title} {share:6.2f} ± {error:.2f} % ({found.median_requests(outcome):5.0f})"
        )
    return "  ".join([*cells, f"undecided {100 * found.share(UNDECIDED):5.2f} %\n"])


def table(
    title: str, policy: Policy, scenarios: dict[str, Scenario], count: int, seed: int
) -> None:
    """Print how a policy fares in every scenario."""
    sys.stdout.write(f"{title}\n")
    for name, scenario in scenarios.items():
        sys.stdout.write(row(name, simulate(policy, scenario, count, seed)))
        sys.stdout.flush()


def main() -> None:
    """Print all tables."""
    defaults = ["20000", "1"]
    given = sys.argv[1:]
    count, seed = (int(word) for word in [*given, *defaults[len(given) :]])
    for title, text in POLICIES.items():
        table(title, parse(text), SCENARIOS, count, seed)
    bursty = "all gates, errors in bursts: each minute's rate times a gamma factor of mean 1"
    table(bursty, parse(POLICIES["all gates"]), BURSTS, count, seed)
    for title, text in SHADOW_POLICIES.items():
        shadow_table(title, parse(text), count, seed)


if __name__ == "__main__":
    main()
