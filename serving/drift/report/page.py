"""A drift report as one self-contained HTML file, the twin of its JSON."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.report import html
from kanaria.serving.drift.records import Feature, Report, Watched, Window
from kanaria.serving.drift.report import figures, timelines, wording
from kanaria.serving.drift.report.wording import Light, number

MOST_FEATURES = 40
"""Features of a window that are shown, those of the largest effects; the JSON has all."""
LAMPS = {Light.GREEN: "var(--good)", Light.YELLOW: "var(--b)", Light.RED: "var(--bad)"}
CSS = {Light.GREEN: "good", Light.YELLOW: "warn", Light.RED: "bad"}
NOTE = "Times are UTC. Bands and intervals hold the true value with 95 %, each for a single look."
BARS = "Filled: reference. Outlined: window. Dashed: the least effect that matters."
HEADERS = ("feature", "effect", "95 % interval", "", "p-value", "missing", "distribution")


def render(report: Report) -> str:
    """Return the document; equal reports give equal text."""
    return html.page(
        report.title,
        html.element("p", f"{wording.clock(report.created)} UTC. {NOTE}", "note"),
        _summary(report.watched),
        *(_section(watched) for watched in report.watched),
    )


def _summary(watched: Sequence[Watched]) -> html.Markup:
    if not watched:
        return html.element(
            "p", "No model version has had traffic that is watched.", "verdict warn"
        )
    return html.join(
        html.element(
            "p",
            html.join([lamp(wording.light(one)), " ", html.element("b", one.name), ": ",
                       wording.sentence(one)]),
            CSS[wording.light(one)],
        )
        for one in watched
    )  # fmt: skip


def lamp(light: Light) -> html.Markup:
    """Return a traffic light."""
    circles = "".join(
        f'<circle cx="{8 + 16 * place}" cy="8" r="6" stroke="{color}" stroke-width="2" '
        f'fill="{color if light is one else "none"}"/>'
        for place, (one, color) in enumerate(LAMPS.items())
    )
    return html.Markup(
        f'<svg width="48" height="16" role="img" aria-label="{light}" '
        f'style="display:inline;vertical-align:-3px">{circles}</svg>'
    )


def _section(watched: Watched) -> html.Markup:
    parts = list(_newest(watched.windows[-1])) if watched.windows else []
    return html.section(watched.name, *parts, *timelines.of(watched), *_limits(watched))


def _newest(window: Window) -> Iterator[html.Markup]:
    yield _facts(window)
    told = wording.changes(window)
    if told:
        yield html.element("h3", "What changed")
        items = (html.join([html.element("b", n or "all features"), ": ", s]) for n, s in told)
        yield html.element("ul", html.join(html.element("li", item) for item in items))
    if window.differences:
        yield html.element("h3", "Differences of the schema")
        yield html.element("ul", html.join(html.element("li", d) for d in window.differences))
    if window.features:
        yield html.element("h3", "Features by effect")
        yield html.element("p", f"{BARS}{_rest(window)}", "note")
        yield _features(window)


def _facts(window: Window) -> html.Markup:
    span = f"{wording.clock(window.begin)} – {wording.clock(window.end)} UTC"
    said = [
        f"Newest window: {window.name or span}; {window.rows:,} rows",
        f"reference of {window.reference_rows:,} rows" if window.reference_rows else "",
        f"detector {window.detector}",
        f"p-value of the window {window.p_value:.3g}" if window.p_value is not None else "",
    ]
    return html.element("p", "; ".join(part for part in said if part))


def _rest(window: Window) -> str:
    left = len(window.features) - MOST_FEATURES
    return f" {left} features of smaller effects are in the JSON only." if left > 0 else ""


def _features(window: Window) -> html.Markup:
    shown = wording.by_effect(window)[:MOST_FEATURES]
    most = max((max(f.effect.high, f.effect.least) for f in shown), default=1.0) or 1.0
    return html.table(HEADERS, [list(_cells(feature, most)) for feature in shown])


def _cells(feature: Feature, most: float) -> Iterator[object]:
    effect = feature.effect
    verdict = "drifted" if feature.drifted else "" if feature.enough else "not enough data"
    name = html.element("b", feature.feature or "all features")
    css = "bad" if feature.drifted else "warn"
    yield html.join([name, html.Markup("<br>"), html.element("span", verdict, css)])
    yield f"{effect.value:.3g} {effect.name}"
    yield f"{effect.low:.3g} – {effect.high:.3g}"
    yield figures.interval(effect, most)
    yield number(feature.p_value)
    yield _missing(feature)
    yield figures.overlay(feature.bars) if feature.bars else ""


def _missing(feature: Feature) -> str:
    shares = [
        wording.percent(column.missing / column.rows) if column and column.rows else "–"
        for column in (feature.reference, feature.window)
    ]
    return " → ".join(shares)


def _limits(watched: Watched) -> Iterator[html.Markup]:
    yield html.element("h3", "Thresholds")
    yield html.element("p", wording.thresholds(watched.windows))
