"""What a window says, in words. Pure."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from kanaria.components.shared import times
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.report_records import FAILED, Bars, Feature, Watched, Window

LEAST_CHANGE = 0.02
"""A share or a rate that changed by less is not told."""
MOST_KINDS, MOST_FEATURES = 3, 3


class Light(StrEnum):
    """What a glance tells; each is also said in words."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


LIGHTS = {
    Verdict.STABLE.value: Light.GREEN,
    Verdict.NOT_ENOUGH_DATA.value: Light.YELLOW,
    FAILED: Light.YELLOW,
    Verdict.DRIFTED.value: Light.RED,
}


def light(watched: Watched) -> Light:
    """Return the light of the newest window; without one nothing is known."""
    return LIGHTS[watched.windows[-1].verdict] if watched.windows else Light.YELLOW


def sentence(watched: Watched) -> str:
    """Return the newest window's verdict in one sentence."""
    if not watched.windows:
        return "no window is complete yet"
    newest = watched.windows[-1]
    if newest.verdict == FAILED:
        return f"the newest window could not be tested: {newest.failure}"
    if newest.verdict != Verdict.DRIFTED.value:
        return f"{newest.verdict} in the newest window ({newest.rows:,} rows)"
    names = [feature.feature or "all features together" for feature in drifted(newest)]
    more = f" and {len(names) - MOST_FEATURES} more" if len(names) > MOST_FEATURES else ""
    said = ", ".join(names[:MOST_FEATURES])
    return f"drifted in the newest window ({newest.rows:,} rows): {said}{more}"


def by_effect(window: Window) -> list[Feature]:
    """Return the features, those first whose effect is largest beside the least that matters."""
    return sorted(window.features, key=lambda f: (-_beside_least(f), f.feature))


def _beside_least(feature: Feature) -> float:
    return (
        feature.effect.value / feature.effect.least
        if feature.effect.least
        else feature.effect.value
    )


def drifted(window: Window) -> list[Feature]:
    """Return the features that drifted, the largest effect first."""
    return [feature for feature in by_effect(window) if feature.drifted]


def changes(window: Window) -> list[tuple[str, str]]:
    """Return (feature, what changed) for every feature that drifted, the largest effect first."""
    return [(feature.feature, _changed(feature)) for feature in drifted(window)]


def _changed(feature: Feature) -> str:
    of_values = feature.bars is not None
    said = [*(_means(feature) if of_values else ()), *_kinds(feature.bars), *_missing(feature)]
    effect = feature.effect
    size = f"{effect.name} {effect.value:.3g}, at least {effect.low:.3g}"
    return "; ".join([*said, size])


def _means(feature: Feature) -> Iterator[str]:
    before, after = feature.reference, feature.window
    if before and after and before.mean is not None and after.mean is not None:
        yield f"mean {before.mean:.4g} → {after.mean:.4g}"


def _kinds(bars: Bars | None) -> Iterator[str]:
    if bars is None or not bars.kinds:
        return
    shares = zip(bars.kinds, bars.reference, bars.window, strict=True)
    moved = sorted(shares, key=lambda share: -abs(share[2] - share[1]))
    for kind, before, after in moved[:MOST_KINDS]:
        if abs(after - before) >= LEAST_CHANGE:
            new = " (new)" if before == 0 else ""
            yield f"{kind}{new}: {percent(before)} → {percent(after)}"


def _missing(feature: Feature) -> Iterator[str]:
    before, after = feature.reference, feature.window
    if not before or not after or not before.rows or not after.rows:
        return
    shares = before.missing / before.rows, after.missing / after.rows
    if abs(shares[1] - shares[0]) >= LEAST_CHANGE:
        yield f"missing {percent(shares[0])} → {percent(shares[1])}"


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.3g} %"


def clock(when: float | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a time in UTC, "" where there is none."""
    return "" if when is None else times.clock(when, form)


def title(window: Window, place: int) -> str:
    """Return what to call a window; `place` is its number, from 1."""
    return window.name or clock(window.begin) or f"window {place}"


def thresholds(windows: Sequence[Window]) -> str:
    """Return the limits that decided in the newest window that was tested."""
    tested = [w for w in windows if w.threshold is not None and w.features]
    if not tested:
        return "No window was tested."
    newest = tested[-1]
    limits = {f"{f.threshold:.3g}" for f in newest.features if f.threshold is not None}
    least = {f"{f.effect.name} of at least {f.effect.least:.3g}" for f in newest.features}
    return (
        f"Drifted: a feature's p-value is below {', '.join(sorted(limits))} (corrected, so that a "
        f"window without drift alarms with a chance of at most {newest.threshold:.3g}) and its "
        f"effect matters: {'; '.join(sorted(least))}. Not enough data: a difference of that size "
        "would not be significant with these rows."
    )
