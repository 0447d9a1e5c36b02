"""Pages that a person reads: one file each, whole without a network, readable without scripts.

Rule: nothing here knows what a page is about, and text that came with data is escaped where it is
written. A page is sections of tables and charts, and a chart draws the numbers of its table:

    from kanaria.components.shared.html_report.chart import Chart
    from kanaria.components.shared.html_report.html_page import Page, Section
    from kanaria.components.shared.html_report.table import Column, Table

    columns = [Column(title="hour", key="hour"), Column(title="flights late", key="late")]
    hours = Table(columns=columns, rows=[[8, 0.2], [9, 0.3]], search="search hours")
    spec = {
        "mark": "bar",
        "encoding": {
            "x": {"field": "hour", "type": "ordinal"},
            "y": {"field": "late", "type": "quantitative"},
        },
        "usermeta": {"log": ["y"]},  # Offers a log scale.
    }
    by_hour = Section("By hour", Chart(spec=spec, table=hours), hours)
    page = Page(title="Flights", sections=[by_hour])
    path.write_text(page.render(), encoding="utf-8")

Readers sort by any column, search, choose values of columns with `choices`, and enlarge charts.
`Group` keeps rows together (one feature in several data sets), `Row` puts parts side by side,
`Chart(small=True)` stands in a cell. `specs` has specifications that pages share. `content.size`
tells the bytes of a part: a page has at most 2 MB, of which 0.45 MB are style and scripts.
"""
