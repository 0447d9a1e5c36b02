"""Every feature in every data set: its numbers, its values drawn over each other, its schema."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from kanaria.components.shared.html_report import content
from kanaria.components.shared.html_report.cells import Cell, cut
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.markup import element, join
from kanaria.components.shared.html_report.specs import overlaid_bins, side_by_side
from kanaria.components.shared.html_report.table import Column, Group, Table, columns
from kanaria.components.validate import feature_numbers, histograms, schema_text
from kanaria.components.validate.comparators import Distance
from kanaria.components.validate.report_data import Data, Features, Judgements, ratio

MOST_NAME = 80
MOST_SCHEMA = 140

SETS = (
    Column(title="data"),
    Column(title="count", help="rows with a value"),
    Column(title="missing %", help="rows without a value"),
)
NUMBERS = columns("mean", "std dev", "zeros %", "min", "median", "max")
TEXTS = (
    Column(title="distinct"),
    Column(title="top value"),
    Column(title="its count"),
    Column(title="mean length", help="of a text in characters, of bytes in bytes"),
)
LEADING = (Column(title="feature"), Column(title="values"))
DISTANCES = Column(title="distance / limit", help="of each comparator; sorted by their ratio")
LENGTHS = Column(title="list lengths", help="values in a row that has some")
TRAILING = (
    Column(title="shift", help="largest total variation distance of what is drawn, 0 to 1"),
    Column(title="finding", choices=True),
)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 5) for value in values]


def _readable(edges: Sequence[float]) -> list[float]:
    """Return edges with no more digits than tell them apart, to a thousandth of a bin."""
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    return [round(edge, 3 - math.floor(math.log10(width))) for edge in edges]


def _number_chart(features: Features, names: Sequence[str]) -> tuple[object, float | None]:
    edges, shares = histograms.numeric(features)
    if not edges:
        return element("span", "no values", "note"), None
    keyed = [Column(title="from", key="from"), Column(title="to", key="to")]
    keyed += [Column(title=name, key=f"s{place}") for place, name in enumerate(names)]
    edges = _readable(edges)
    rows = list(zip(edges, edges[1:], *map(_rounded, shares), strict=False))
    drawn = Chart(spec=overlaid_bins(names), table=Table(columns=keyed, rows=rows), small=True)
    return drawn, histograms.shift(shares)


def _text_chart(features: Features, names: Sequence[str]) -> tuple[object, float | None]:
    values, shares = histograms.categorical(features)
    if not values:
        return element("span", "no values", "note"), None
    keyed = [Column(title="value", key="value")]
    keyed += [Column(title=name, key=f"s{place}") for place, name in enumerate(names)]
    rows = list(zip(map(cut, values), *map(_rounded, shares), strict=True))
    drawn = Chart(spec=side_by_side(names), table=Table(columns=keyed, rows=rows), small=True)
    return drawn, histograms.shift(shares)


def _distances(distances: Sequence[Distance]) -> Cell:
    lines = [
        element(
            "div",
            f"{one.split} {one.comparator.kind}: {one.value:.4g} / {one.comparator.threshold:.4g}",
            "bad" if ratio(one) > 1 else "",
        )
        for one in distances
    ]
    return Cell(
        content=join(lines), value=max(map(ratio, distances), default=None), css="badge short"
    )


def _name(name: str, facts: str, severity: str) -> Cell:
    css = {"ERROR": "bad", "WARNING": "warn"}.get(severity, "")
    shown = join([element("div", cut(name, MOST_NAME), css), element("span", facts, "badge")])
    return Cell(content=shown, css="name")


@dataclass(frozen=True, kw_only=True)
class FeatureTable:
    """The features of one kind.

    Attributes:
        data: what is shown.
        judged: what was found.
        numeric: whether it is the table of numbers; else that of everything else.
    """

    data: Data
    judged: Judgements
    numeric: bool

    @cached_property
    def names(self) -> list[str]:
        """Return the names of its features, those with a finding first."""
        names = [n for n, features in self.data.features.items() if self._is_mine(features)]
        return sorted(names, key=lambda name: (name not in self.judged.severities, name))

    def _is_mine(self, features: Features) -> bool:
        present = [feature for feature in features if feature is not None]
        return all(map(feature_numbers.is_numeric, present)) == self.numeric

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return its columns."""
        distances = (DISTANCES,) if self.judged.distances else ()
        own = NUMBERS if self.numeric else TEXTS
        return (*LEADING, *distances, *SETS, *own, LENGTHS, *TRAILING)

    @cached_property
    def _schema(self) -> dict[str, str]:
        return schema_text.of_features(self.data.schema)

    def group(self, name: str, *, with_chart: bool) -> Group:
        """Return one feature in every data set."""
        features = self.data.features[name]
        chart, shift = (_number_chart if self.numeric else _text_chart)(features, self.data.shown)
        drawn = chart if with_chart else element("span", "not drawn", "note")
        kind = feature_numbers.type_name(next(one for one in features if one is not None))
        facts = cut(self._schema.get(name) or kind, MOST_SCHEMA)
        severity = self.judged.severities.get(name, "")
        tall: dict[int, object] = {0: _name(name, facts, severity), 1: drawn}
        if self.judged.distances:
            tall[2] = _distances(self.judged.distances.get(name, ()))
        last = len(self.columns)
        tall[last - 2] = None if shift is None else round(shift, 4)
        tall[last - 1] = severity.lower() or "none"
        sets = zip(self.data.shown, features, strict=True)
        return Group(tall=tall, rows=[self._row(set_name, one) for set_name, one in sets])

    def _row(self, set_name: str, feature: histograms.Feature | None) -> list[object]:
        own = NUMBERS if self.numeric else TEXTS
        if feature is None:
            return [f"{set_name} (absent)", *[None] * (len(own) + 3)]
        rows = feature_numbers.counts(feature)
        cells = (feature_numbers.number_cells if self.numeric else feature_numbers.text_cells)(
            feature
        )
        cells = [cut(cell) if isinstance(cell, str) else cell for cell in cells]
        lengths = Cell(content=rows.lengths, value=rows.mean_length, css="short")
        return [set_name, rows.present, round(rows.missing_percent, 3), *cells, lengths]

    def groups(self, most: int, most_with_charts: int) -> Iterator[tuple[Group, int]]:
        """Yield a group a feature while they fit, without charts when these grow too large.

        Args:
            most: bytes of all.
            most_with_charts: bytes after which no more chart is drawn.

        Yields:
            The group and the bytes of all up to it.
        """
        size = empty = content.size(Table(columns=self.columns, rows=[]))
        for name in self.names:
            group = self.group(name, with_chart=size < most_with_charts)
            size += content.size(Table(columns=self.columns, rows=[group])) - empty
            if size > most:
                return
            yield group, size
