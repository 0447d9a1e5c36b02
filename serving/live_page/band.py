"""A number with its interval. Pure."""

from dataclasses import dataclass

from kanaria.serving.drift import effect_sizes


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """A number, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def share_of(part: float, whole: float) -> Band | None:
    """Return a share with its interval (Wilson 1927); None of nothing.

    Args:
        part: 0 to `whole`.
        whole: 0 or more.
    """
    if not whole:
        return None
    value, low, high = effect_sizes.share_of(round(part), round(whole))
    return Band(value=value, low=low, high=high)
