"""The HTML reports: verdict, thresholds, metrics, slices and curves of both models."""

from collections.abc import Sequence

from kanaria.components.evaluate import report_binary, report_history, report_plots, report_slices
from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.evaluate.release_history import ReleaseHistory
from kanaria.components.shared.artifacts.judged_metrics import Check
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.cells import Cell, cut
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.table import Column, Table

MOST_REASONS = 20
"""That stand above the sections; the table of thresholds has all of these, too."""
MOST_CHECKS = 1200
MOST_TEXT = 200
CHECKS = (
    Column(title="result", choices=True),
    Column(title="metric", choices=True),
    Column(title="slice"),
    Column(title="limit"),
    Column(title="candidate"),
    Column(title="deployed"),
)
NO_HISTORY = ReleaseHistory()
UNPLOTTED = (
    "Not drawn: a confusion matrix of classes needs MultiClassConfusionMatrixPlot in the "
    'EvalConfig, residuals CalibrationPlot with the range of the predictions as "left" and "right".'
)


def _check(check: Check) -> list[object]:
    result, css = ("passed", "good") if check.passed else ("failed", "bad")
    value = check.value
    where = report_slices.shown(value.slice)
    mark = Cell(content=result, css=css)
    metric = cut(value.metric, report_slices.MOST_METRIC)
    return [mark, metric, where, check.bound, value.candidate, value.baseline]


def _thresholds(checks: Sequence[Check]) -> Section:
    if not checks:
        return Section("Thresholds", "None was given.")
    rows = [_check(check) for check in checks]
    table = Table(columns=CHECKS, rows=rows, search="search metrics and slices", most=MOST_CHECKS)
    return Section("Thresholds", table)


def _measured(findings: Findings) -> list[Section]:
    """Return the sections of what was measured."""
    binary = report_binary.sections(findings.curves)
    plotted = report_plots.matrices(findings.matrices)
    if not binary:
        plotted += report_plots.residuals(findings.buckets)
    if not binary and not plotted:
        plotted = [Section("Curves", markup.element("p", UNPLOTTED, "note"))]
    slices = report_slices.section(findings.values)
    return [report_slices.overall(findings.values), *slices, *binary, *plotted]


def _list(texts: Sequence[str], css: str = "") -> markup.Markup | str:
    shown = [cut(each, MOST_TEXT) for each in texts[:MOST_REASONS]]
    if len(texts) > MOST_REASONS:
        shown.append(f"{len(texts) - MOST_REASONS} more are in the outcome.")
    items = markup.join(markup.element("li", each, css) for each in shown)
    return markup.element("ul", items) if texts else ""


def of_evaluation(findings: Findings) -> str:
    """Return the report of evaluate_model: what was measured, without a verdict."""
    subtitle = f"{findings.row_count} rows of split {findings.split}; bless_model judges"
    lead = [markup.element("p", subtitle, "note"), _list(findings.notes)]
    return Page(title="Model evaluation", lead=lead, sections=_measured(findings)).render()


def page(
    outcome: Outcome,
    findings: Findings,
    deployed: str,
    history: ReleaseHistory = NO_HISTORY,
) -> str:
    """Return the report of bless_model.

    Args:
        outcome: the verdict with its reasons and notes.
        findings: every threshold, failed ones first, every metric of every slice, and curves.
        deployed: URI of the release the candidate was compared with; "" for none.
        history: of the releases before the candidate.
    """
    against = f"against {deployed}" if deployed else "without a deployed model"
    subtitle = f"{findings.row_count} rows of split {findings.split}, {against}"
    passing = {check.text for check in findings.checks}
    lead = [
        markup.element("p", subtitle, "note"),
        markup.verdict(outcome.passed, "Blessed", "Not blessed"),
        _list([reason.text for reason in outcome.reasons], "bad"),
        _list([note for note in outcome.notes if note not in passing]),
    ]
    past = report_history.sections(history, findings.evaluation(deployed))
    sections = [_thresholds(findings.checks), *_measured(findings), *past]
    return Page(title="Model blessing", lead=lead, sections=sections).render()
