"""The report of detect_drift: features by the size of their effect."""

from collections.abc import Iterator

from kanaria.components.detect.verdict import verdict_of
from kanaria.components.shared import html
from kanaria.components.shared.outcome import Outcome
from kanaria.serving.drift.protocol import Result, Verdict

STYLES = {Verdict.DRIFTED: "bad", Verdict.STABLE: "good", Verdict.NOT_ENOUGH_DATA: "warn"}
HEADERS = (
    *("feature", "verdict", "effect", "interval", "matters from", "p-value", "limit"),
    *("rows of the window", "of the reference"),
)


def render(outcome: Outcome, result: Result) -> str:
    """Return the document."""
    yes = "No drift was found." if result.enough else "No drift was found, but rows are too few."
    return html.page(
        "Drift",
        html.verdict(outcome.passed, yes, "The rows drifted."),
        html.section("Rows", html.join(html.element("p", note) for note in outcome.notes)),
        html.section("Features", html.table(HEADERS, _rows(result))),
    )


def _rows(result: Result) -> Iterator[list[object]]:
    for feature in sorted(result.features, key=lambda one: -one.effect.value):
        effect, verdict = feature.effect, verdict_of(feature)
        yield [
            feature.feature or "all features together",
            html.element("span", verdict.value, STYLES[verdict]),
            effect.value,
            f"{effect.low:.3f} to {effect.high:.3f}",
            effect.least,
            feature.p_value,
            feature.threshold,
            feature.window_rows,
            feature.reference_rows,
        ]
