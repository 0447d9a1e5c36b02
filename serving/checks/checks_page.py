"""The results of the checks as one HTML page. Pure."""

from collections.abc import Sequence

from kanaria.components.shared.report import html
from kanaria.serving.checks.check_result import Result, Verdict

CSS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.SKIPPED: "note"}
TITLES = {
    "infrastructure": "Infrastructure",
    "signature": "Signature",
    "compatibility": "Compatibility with the stable revision",
    "api_call": "API call",
    "load": "Load",
}


def page(results: Sequence[Result], title: str, summary: str) -> str:
    """Return the whole report.

    Args:
        results: of the checks in their order; empty when none was run.
        title: what was pushed.
        summary: what came of the push, in one sentence.
    """
    failed = any(result.verdict is Verdict.FAILED for result in results)
    verdict = html.verdict(not failed, "No check failed", "Failed: it gets no traffic")
    return html.page(
        title,
        html.element("p", summary, "note"),
        verdict if results else html.element("p", "No check was run.", "verdict"),
        _overview(results) if results else "",
        *(html.section(TITLES.get(r.check, r.check), _details(r)) for r in results),
    )


def _overview(results: Sequence[Result]) -> html.Markup:
    rows = [
        (
            html.element("span", result.verdict.value, CSS[result.verdict]),
            TITLES.get(result.check, result.check),
            "; ".join((*result.reasons, *result.notes)),
        )
        for result in results
    ]
    return html.table(["verdict", "check", "found"], rows)


def _details(result: Result) -> html.Markup:
    reasons = [html.element("li", reason, "bad") for reason in result.reasons]
    notes = [html.element("li", note) for note in result.notes]
    rows = sorted(result.numbers.items())
    return html.join(
        [
            html.element("ul", html.join([*reasons, *notes])) if reasons or notes else "",
            html.table(["measure", "value"], rows) if rows else "",
        ]
    )
