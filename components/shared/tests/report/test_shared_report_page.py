"""Pages are whole files whose numbers are read without scripts, and whose text is only text."""

import base64
import gzip
import html
import json
import re
import sys
from pathlib import Path

import pytest

from kanaria.components.shared.html_report import chart_library
from kanaria.components.shared.html_report.cells import Cell, cut
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.content import Specs
from kanaria.components.shared.html_report.html_page import MOST_BYTES, Page, Section
from kanaria.components.shared.html_report.table import Column, Group, Table, columns

HOSTILE = "</script><script>alert(1)</script>"


def cells(table: Table) -> list[str]:
    return re.findall(r"<td.*?</td>", table.markup(Specs()))


def chart(**meta: object) -> Chart:
    spec = {"mark": "bar", "encoding": {"x": {"field": "x"}}, "usermeta": meta}
    return Chart(spec=spec, table=Table(columns=[Column(title="x", key="x")], rows=[[1.5], [2]]))


def test_text_from_data_is_escaped_wherever_it_stands():
    table = Table(columns=columns(HOSTILE), rows=[[HOSTILE], [Cell(content=HOSTILE)]])
    page = Page(
        title=HOSTILE,
        lead=[HOSTILE],
        sections=[Section(HOSTILE, HOSTILE, table, chart(names=[HOSTILE]), note=HOSTILE)] * 4,
    ).render()
    assert "alert(1)</script>" not in page
    (specs,) = re.findall(r'<script type="application/json" id="specs">(.*?)</script>', page)
    assert json.loads(specs)[0]["usermeta"]["names"] == [HOSTILE]


def test_a_page_is_one_file_below_two_megabytes():
    page = Page(title="p", sections=[Section("s", chart())]).render()
    assert len(page.encode()) < MOST_BYTES / 4
    assert not re.search(r"(?i)\ssrc\s*=|https?://|@import|url\(", page)
    assert '<meta name="viewport" content="width=device-width,initial-scale=1">' in page


def test_a_page_without_charts_carries_no_library():
    assert len(Page(title="p", sections=[Section("s", "text")]).render()) < 30_000


def test_equal_specifications_are_written_once():
    page = Page(title="p", sections=[Section("s", chart(), chart(), chart(log=["x"]))]).render()
    assert re.findall(r'data-spec="(\d)"', page) == ["0", "0", "1"]


def test_a_specification_with_no_json_number_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        chart(least=float("nan")).markup(Specs())


def test_a_number_shows_five_digits_and_keeps_the_rest():
    table = Table(
        columns=columns("n"), rows=[[1234567], [1234567.8], [0.1234567], [2.0], [None], [0.5]]
    )
    assert cells(table) == [
        '<td class="number">1234567</td>',
        '<td class="number" data-value="1234567.8">1234568</td>',
        '<td class="number" data-value="0.1234567">0.12346</td>',
        '<td class="number">2</td>',
        '<td class="number">–</td>',
        '<td class="number">0.5</td>',
    ]
    assert '<th class="number">n</th>' in table.markup(Specs())


def test_a_cell_is_sorted_by_a_value_of_its_own():
    assert cells(Table(columns=columns("n"), rows=[[Cell(content="1 of 3", value=0.3)]])) == [
        '<td data-value="0.3">1 of 3</td>'
    ]


def test_a_column_of_text_and_numbers_is_no_column_of_numbers():
    assert '<th class="number">' not in Table(columns=columns("n"), rows=[[1], ["a"]]).markup(
        Specs()
    )


def test_a_number_among_texts_stands_where_they_do():
    own = Cell(content="1 %", value=1.0, css="number bad")
    assert cells(Table(columns=columns("n"), rows=[["a"], [1], [own]])) == [
        "<td>a</td>",
        "<td>1</td>",
        '<td class="bad" data-value="1.0">1 %</td>',
    ]


def test_what_is_cut_is_told_where_a_reader_points_but_for_a_charts_numbers():
    name = '"<b>' + "x" * 500
    table = Table(columns=columns("n"), rows=[[cut(name, 5)]])
    (shown,) = cells(table)
    whole, begin = re.fullmatch('<td><span title="(.*)">(.*)</span></td>', shown).groups()
    assert html.unescape(whole) == f"{name[:300]}…"
    assert html.unescape(begin) == '"<b>x…'
    assert "title" not in table.bare(Specs())
    assert cut("short") == "short"


def test_a_page_that_would_be_too_large_does_without_the_whole_of_what_is_cut():
    quotes = '"' * 299
    rows = [[cut(f"{number}{quotes}", 5)] for number in range(1500)]
    page = Page(title="p", sections=[Section("s", Table(columns=columns("n"), rows=rows))]).render()
    assert len(page.encode()) < MOST_BYTES
    assert "<span title=" not in page
    assert "<td>1&quot;&quot;&quot;&quot;…</td>" in page


def test_a_header_stands_where_its_cells_do():
    text, number = Cell(content="3 s", value=3.0), Cell(content="3.00", value=3.0, css="number")
    for content, aligned in ((text, False), (number, True)):
        markup = Table(columns=columns("n"), rows=[[content]]).markup(Specs())
        assert ('<th class="number">' in markup) == ('<td class="number"' in markup) == aligned


def test_rows_of_a_group_share_their_tall_cells():
    group = Group(tall={0: "x", 2: "z"}, rows=[["a"], ["b"]])
    shown = Table(columns=columns("1", "2", "3"), rows=[group]).markup(Specs())
    assert shown.count("<tbody>") == 1
    assert '<tr><td rowspan="2">x</td><td>a</td><td rowspan="2">z</td></tr><tr><td>b</td>' in shown


def test_rows_beyond_the_most_are_counted():
    table = Table(columns=columns("n"), rows=[[i] for i in range(7)], most=5)
    assert len(cells(table)) == 5
    assert "2 more rows are left out." in table.markup(Specs())


def test_the_library_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    script = chart_library.packed_script.__wrapped__()
    assert chart_library.installed_script().read_text() == script
    assert "vegaEmbed" in gzip.decompress(base64.b64decode(script)).decode()
    chart_library.installed_script().write_text("kept")
    assert chart_library.packed_script.__wrapped__() == "kept"


def test_an_environment_that_cannot_be_written_still_has_charts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "share").write_text("a file where a folder should be")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert len(chart_library.packed_script.__wrapped__()) > 300_000
