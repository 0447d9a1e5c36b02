"""A watch's newest verdict as one line for a terminal. Pure."""

from kanaria.serving.drift.report.verdict_wording import by_effect, clock, percent
from kanaria.serving.drift.report_records import FAILED, Labels, Window
from kanaria.serving.drift_watch.stored_verdicts import Newest, title

MOST_FEATURES = 3


def line(newest: Newest) -> str:
    """Return the verdict, the window, the features of the largest effects, and the labels."""
    parts = [title(newest.stream, newest.name)]
    parts += _window(newest.window) if newest.window else ["no window yet"]
    parts += [_labels(newest.labels)] if newest.labels else []
    text = "; ".join(parts)
    # What clients sent must not move a terminal's cursor.
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _window(window: Window) -> list[str]:
    end = clock(window.end, "%H:%M:%S") if window.end else ""
    said = [window.verdict.upper() if window.verdict == "drifted" else window.verdict]
    said += [f"{clock(window.begin)} – {end} UTC, {window.rows:,} rows"]
    if window.verdict == FAILED:
        return [*said, window.failure]
    worst = [f"{f.feature or 'all'} {f.effect.value:.2g}" for f in by_effect(window)]
    said += [f"effects: {', '.join(worst[:MOST_FEATURES])}"]
    return said


def _labels(labels: Labels) -> str:
    if labels.failure:
        return f"labels failed: {labels.failure}"
    lag = "" if labels.lag is None else f", half within {labels.lag / 3600:.3g} h"
    metrics = [f"{m.name} {m.value:.3g} ({m.low:.3g} – {m.high:.3g})" for m in labels.metrics]
    changed = ["errors changed"] if labels.changes else []
    left_out = [f"{labels.left_out:,} labels left out"] if labels.left_out else []
    return ", ".join([f"labels {percent(labels.coverage)}{lag}", *metrics[:2], *changed, *left_out])
