"""The HTML report: verdict, size and latency, and every output side by side."""

from kanaria.components.export.gate import Latency, Measured
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.table import Table, columns

MOST_OUTPUTS = 500


def _facts(measured: Measured, latency: Latency) -> Table:
    share = measured.bytes / measured.float32_bytes
    rows = "1 row" if latency.rows == 1 else f"{latency.rows} rows"
    return Table(
        columns=columns("measured", "value"),
        rows=[
            ["quantization", measured.quantization],
            ["bytes", f"{measured.bytes:,}"],
            ["beside float32", f"{share:.1%} of {measured.float32_bytes:,} bytes"],
            ["latency, median", f"{latency.median:.4g} ms"],
            ["latency, 95 % below", f"{latency.percentile_95:.4g} ms"],
            ["measured by", f"{latency.calls} calls of {rows}, one thread, on the step's machine"],
        ],
    )


def _outputs(measured: Measured) -> Table:
    titles = ("output", "type", "rows", "largest difference", "mean", "at row", "agreement")
    rows = [
        [
            each.name,
            each.type,
            each.rows,
            each.max_difference,
            each.mean_difference,
            each.worst_row,
            each.agreement,
        ]
        for each in measured.outputs
    ]
    return Table(columns=columns(*titles), rows=rows, most=MOST_OUTPUTS)


def _items(texts: list[str], css: str) -> markup.Markup:
    items = markup.join(markup.element("li", text, css) for text in texts)
    return markup.element("ul", items) if texts else markup.Markup("")


def page(
    outcome: Outcome, measured: Measured, latency: Latency, inputs: dict[str, str], signature: str
) -> str:
    """Return the whole page.

    Args:
        outcome: the verdict.
        measured: what it was judged by.
        latency: of the file.
        inputs: name -> type and shape of what it takes.
        signature: name of what was converted.
    """
    reasons = [reason.text for reason in outcome.reasons]
    lead = [
        markup.verdict(outcome.passed, "Passed", "Did not pass"),
        markup.element("p", f"Signature {signature}, {measured.rows:,} rows", "note"),
        _items(reasons, "bad"),
        _items(list(outcome.notes), ""),
    ]
    limits = Table(
        columns=columns("limit", "value"), rows=[[n, v] for n, v in outcome.thresholds.items()]
    )
    takes = Table(columns=columns("input", "takes"), rows=[[n, kind] for n, kind in inputs.items()])
    sections = [
        Section("Size and latency", _facts(measured, latency)),
        Section("Beside the SavedModel", _outputs(measured)),
        Section("Limits", limits),
        Section("Inputs", takes),
    ]
    return Page(title="LiteRT export", lead=lead, sections=sections).render()
