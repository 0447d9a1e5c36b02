"""The HTML report of validate_data: anomalies first, then every feature at a glance."""

from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.shared import charts, html
from kanaria.components.shared.outcome import Outcome
from kanaria.components.validate import histograms

MOST_FEATURES = 300
MOST_LABEL = 60

Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]


def _by_name(
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
) -> dict[str, histograms.Feature]:
    return {".".join(f.path.step): f for f in statistics.datasets[0].features}


def _chart(features: list[histograms.Feature | None], names: list[str]) -> html.Markup:
    is_text = any(f is not None and f.HasField("string_stats") for f in features)
    labels, shares = (histograms.categorical if is_text else histograms.numeric)(features)
    if not labels:
        return html.element("span", "no values", "note")
    series = [charts.Series(name=n, ys=ys) for n, ys in zip(names, shares, strict=True)]
    return charts.bars(series, [label[:MOST_LABEL] for label in labels])


def _row(name: str, features: list[histograms.Feature | None], sets: list[str]) -> list[object]:
    known = [f for f in features if f is not None]
    kind = statistics_pb2.FeatureNameStatistics.Type.Name(known[0].type).lower()
    missing = [f"{histograms.missing_share(f):.1%}" if f else "absent" for f in features]
    distinct = [histograms.distinct(f) if f else None for f in features]
    shown = "/".join("–" if d is None else str(d) for d in distinct)
    return [name, kind, "/".join(missing), shown, _chart(features, sets)]


def _features(statistics: Statistics) -> html.Markup:
    sets = list(statistics)[:3]
    found = {name: _by_name(statistics[name]) for name in sets}
    names = sorted({feature for features in found.values() for feature in features})
    order = "/".join(sets)
    rows = [_row(n, [found[s].get(n) for s in sets], sets) for n in names[:MOST_FEATURES]]
    headers = ["feature", "type", f"missing ({order})", f"distinct ({order})", order]
    left_out = len(names) - len(rows)
    note = html.element("p", f"{left_out} more features are not shown.", "note") if left_out else ""
    return html.join([html.table(headers, rows), note])


def render(outcome: Outcome, statistics: Statistics) -> str:
    """Return the document.

    Args:
        outcome: verdict, anomalies, distances as notes.
        statistics: name of a split or baseline -> statistics, the first three are drawn.
    """
    anomalies = [
        [r.severity, r.subject, r.split, r.kind, r.text]
        for r in sorted(outcome.reasons, key=lambda r: (r.severity != "ERROR", r.subject))
    ]
    verdict = html.verdict(outcome.passed, "The data passed.", "The data did not pass.")
    headers = ["severity", "feature", "split", "kind", "reason"]
    found = html.table(headers, anomalies) if anomalies else html.element("p", "No anomalies.")
    notes = html.join(html.element("p", note, "note") for note in outcome.notes)
    return html.page(
        "Data validation",
        verdict,
        html.section("Anomalies", found),
        html.section("Notes", notes) if outcome.notes else "",
        html.section("Features", _features(statistics)),
    )
