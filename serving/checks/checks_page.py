"""The results of the checks as one HTML page. Pure."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.markup import Markup, element, join
from kanaria.components.shared.html_report.markup import verdict as verdict_line
from kanaria.components.shared.html_report.table import Column, Table, columns
from kanaria.serving.checks.check_result import Result, Verdict

CSS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.SKIPPED: "note"}
SIGNS = {Verdict.PASSED: "✓", Verdict.FAILED: "✕", Verdict.SKIPPED: "⊘"}
TITLES = {
    "infrastructure": "Infrastructure",
    "signature": "Signature",
    "compatibility": "Compatibility with the stable revision",
    "api_call": "API call",
    "load": "Load",
}
COLUMNS = (Column(title="verdict"), Column(title="check"), Column(title="found"))


def page(results: Sequence[Result], title: str, summary: str) -> str:
    """Return the whole report.

    Args:
        results: of the checks in their order; empty when none was run.
        title: what was pushed.
        summary: what came of the push, in one sentence.
    """
    failed = any(result.verdict is Verdict.FAILED for result in results)
    verdict = verdict_line(not failed, "No check failed", "Failed: it gets no traffic")
    unchecked = element("p", "No check was run.", "verdict")
    lead = [
        element("p", summary, "note"),
        verdict if results else unchecked,
        Table(columns=COLUMNS, rows=[_row(result) for result in results], narrow="stack")
        if results
        else "",
    ]
    details_of_results = ((result, list(_details(result))) for result in results)
    sections = [
        Section(_name(result), *details) for result, details in details_of_results if details
    ]
    return Page(title=title, lead=lead, sections=sections).render()


def _name(result: Result) -> str:
    return TITLES.get(result.check, result.check)


def _row(result: Result) -> list[object]:
    verdict = f"{SIGNS[result.verdict]} {result.verdict.value}"
    return [
        Cell(content=verdict, css=f"{CSS[result.verdict]} short"),
        _name(result),
        Cell(content="; ".join((*result.reasons, *result.notes)), css="text"),
    ]


def _details(result: Result) -> Iterator[Markup | Table]:
    """Yield what a check found, where there is more than its verdict."""
    reasons = [element("li", reason, "bad") for reason in result.reasons]
    notes = [element("li", note) for note in result.notes]
    if reasons or notes:
        yield element("ul", join([*reasons, *notes]))
    if result.numbers:
        yield Table(columns=columns("measure", "value"), rows=sorted(result.numbers.items()))
