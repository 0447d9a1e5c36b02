"""What the dashboards are made of: variables and panels, with settings that all of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableRefresh,
    VariableSort,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT, WIDE, NARROW = 8, 12, 6
STEP = "1m"
"""The shortest between two points: rules record each half minute, and a rate needs two samples."""
FIRST_NAME = ord("A")
"""Queries of a panel are named A, B, C and so on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A panel.

    Attributes:
        title: above it.
        meaning: what a reader sees who points at its title.
        queries: legend -> PromQL.
        unit: Grafana's name of it.
        is_number: whether it shows the last values as numbers, not as lines over time.
        most: upper end of the axis, None for the data's.
    """

    title: str
    meaning: str
    queries: Mapping[str, str]
    unit: str = "short"
    is_number: bool = False
    most: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A dashboard.

    Attributes:
        uid: fixed, so that links and updates find it.
        title: of the page.
        variables: name -> query of Grafana's for its values, in the order of choice.
        rows: title -> charts.
    """

    uid: str
    title: str
    variables: Mapping[str, str]
    rows: Mapping[str, tuple[Chart, ...]] = field(default_factory=dict)

    def build(self) -> dashboard.Dashboard:
        """Return the builder of the whole dashboard."""
        made = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .tags(["kanaria"])
            .time("now-6h", "now")
            .timezone("browser")
            .refresh("30s")
            .editable()
            .with_variable(
                dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
            )
        )
        for name, query in self.variables.items():
            made = made.with_variable(_variable(name, query))
        for title, charts in self.rows.items():
            made = made.with_row(dashboard.Row(title))
            for chart in charts:
                made = made.with_panel(_number(chart) if chart.is_number else _lines(chart))
        return made


def _variable(name: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _targets(chart: Chart) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery()
        .expr(expression)
        .legend_format(legend)
        .ref_id(chr(FIRST_NAME + place))
        for place, (legend, expression) in enumerate(chart.queries.items())
    ]


def _lines(chart: Chart) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(chart.title)
        .description(chart.meaning)
        .datasource(SOURCE)
        .unit(chart.unit)
        .interval(STEP)
        .min(0)
        .span(WIDE)
        .height(HEIGHT)
        .show_points(VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
    )
    if chart.most is not None:
        panel = panel.max(chart.most)
    for target in _targets(chart):
        panel = panel.with_target(target)
    return panel


def _number(chart: Chart) -> stat.Panel:
    panel = (
        stat.Panel()
        .title(chart.title)
        .description(chart.meaning)
        .datasource(SOURCE)
        .unit(chart.unit)
        .span(NARROW)
        .height(HEIGHT // 2)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    for target in _targets(chart):
        panel = panel.with_target(target.instant())
    return panel
