"""How a row is explained, and what that costs. Pure, and without SHAP.

method        what it computes                                             calls of the model
exact         the Shapley values of all coalitions                         2^features
permutation   their mean over permutations, each forward and backward      2 features + 1 each

Both add up: base value and values are the answer, on every row. "Calls" are coalitions; each is
asked for every row of the background.

Sources: Shapley, "A value for n-person games" (1953); Lundberg and Lee, "A unified approach to
interpreting model predictions" (2017); Mitchell et al., "Sampling permutations for Shapley value
estimation" (2022), for the pairs of opposite permutations.
"""

from dataclasses import dataclass

from kanaria.components.shared.config.parameters import Faults

AUTO, EXACT, PERMUTATION = "auto", "exact", "permutation"
METHODS = (AUTO, EXACT, PERMUTATION)
MOST_EVALUATIONS = 1024
"""Coalitions a row by default: ten features exactly."""
MOST_EXACT = 12
"""Features beyond which the coalitions of one row are too many to hold."""
MOST_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What is wanted.

    Attributes:
        explainer: one of METHODS; `auto` is exact where `max_evals` allows.
        max_evals: most coalitions a row.
        seed: of the permutations, 0 to MOST_SEED.
    """

    explainer: str = AUTO
    max_evals: int = MOST_EVALUATIONS
    seed: int = 0


def method(settings: Settings, features: int, faults: Faults) -> str:
    """Return `exact` or `permutation`, and add to `faults` why rows cannot be explained so.

    Args:
        settings: what is wanted.
        features: how many there are.
        faults: gets what is wrong.
    """
    wanted, most = settings.explainer, settings.max_evals
    faults.check(wanted in METHODS, "explainer", wanted, f"use one of {', '.join(METHODS)}")
    faults.check(0 <= settings.seed <= MOST_SEED, "seed", settings.seed, f"use 0 to {MOST_SEED}")
    all_of_them = 2 ** min(features, 64)
    if wanted == EXACT and (most < all_of_them or features > MOST_EXACT):
        remedy = f"exact takes {all_of_them} for {features} features; "
        more = f"use {all_of_them}, or " if features <= MOST_EXACT else "use "
        faults.check(False, "max_evals", most, f"{remedy}{more}explainer permutation")
    if wanted in (EXACT, PERMUTATION):
        is_exact = wanted == EXACT
    else:
        is_exact = features <= MOST_EXACT and all_of_them <= most
    least = 2 * features + 1
    fits = is_exact or most >= least
    faults.check(fits, "max_evals", most, f"use {least} or more for {features} features")
    return EXACT if is_exact else PERMUTATION


def evaluations(settings: Settings, chosen: str, features: int) -> int:
    """Return how many coalitions a row takes at most."""
    if chosen == EXACT:
        return 2**features
    pair = 2 * features + 1
    return settings.max_evals // pair * pair
