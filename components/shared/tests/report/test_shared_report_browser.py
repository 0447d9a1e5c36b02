"""What a reader does with a page in a real browser."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Tab, started

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.specs import overlaid_bins, side_by_side
from kanaria.components.shared.html_report.table import Column, Group, Table

HOSTILE = "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
COLUMNS = [Column(title="name"), Column(title="size"), Column(title="kind", choices=True)]
ROWS = [["b", 2.5, "odd"], ["a", 10, "even"], [HOSTILE, None, "odd"], ["long" * 40, -1, "even"]]
BINS = [Column(title=key, key=key) for key in ("from", "to", "s0", "s1")]
VALUES = [Column(title=key, key=key) for key in ("value", "s0", "s1")]
NAMES = ["train", HOSTILE]


def bins(*, small: bool = False) -> Chart:
    rows = [[0, 1, 0.25, 0.5], [1, 2, 0.75, 0.5]]
    return Chart(
        spec=overlaid_bins(NAMES), table=Table(columns=BINS, rows=rows), title=HOSTILE, small=small
    )


def values() -> Chart:
    table = Table(columns=VALUES, rows=[[HOSTILE, 0.25, 0.5], ["b", 0.75, 0.5]])
    return Chart(spec=side_by_side(NAMES), table=table)


def document() -> str:
    table = Table(columns=COLUMNS, rows=ROWS, search="search names")
    group = Group(tall={0: "x", 1: bins(small=True)}, rows=[[1], [2]])
    grouped = Table(columns=COLUMNS, rows=[group] * 40, narrow="pin")
    sections = [Section("One", table), Section("Two", bins(), values()), Section("Three", grouped)]
    return Page(title=HOSTILE, sections=sections).render()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(document(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with started(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def opened(browser: Tab, page: Path) -> Iterator[Tab]:
    browser.look(width=1280, height=1000)
    browser.open(page.as_uri())
    yield browser
    assert browser.errors == []
    assert browser.value("window.harmed ?? 'unharmed'") == "unharmed"


def names(tab: Tab) -> list[str]:
    rows = "[...document.querySelector('table').tBodies].filter(b => !b.hidden)"
    return tab.value(f"{rows}.map(b => b.rows[0].cells[0].textContent.slice(0, 4))")


def test_a_table_is_sorted_by_a_header_with_missing_values_last(opened: Tab):
    click = "document.querySelectorAll('th button')[{}].click()"
    opened.value(click.format(1))
    assert names(opened) == ["a", "b", "long", "</sc"]
    opened.value(click.format(1))
    assert names(opened) == ["long", "b", "a", "</sc"]
    opened.value(click.format(0))
    assert names(opened)[1:] == ["a", "b", "long"]


def test_rows_are_searched_and_chosen(opened: Tab):
    typed = (
        "(e => {{ e.value = {}; e.dispatchEvent(new Event('{}')); }})(document.querySelector('{}'))"
    )
    opened.value(typed.format("'LONG'", "input", "input[type=search]"))
    assert names(opened) == ["long"]
    opened.value(typed.format("''", "input", "input[type=search]"))
    opened.value(typed.format("'=odd'", "change", "select"))
    assert names(opened) == ["b", "</sc"]
    assert opened.value("document.querySelector('.count').textContent") == "2 of 4"


def bars(tab: Tab, place: int) -> list[float]:
    """Return the heights that a chart's bars are drawn with."""
    marks = f"document.querySelectorAll('figure')[{place}].querySelectorAll('.mark-rect path')"
    tab.wait_for(f"{marks}.length > 1")
    return tab.value(f"[...{marks}].map(p => p.getBBox().height)")


def test_a_chart_draws_the_numbers_of_its_table(opened: Tab):
    first, second, *others = bars(opened, 0)
    assert second == pytest.approx(3 * first, rel=0.02)
    assert others == pytest.approx([2 * first] * 2, rel=0.02)


def test_numbers_that_stand_behind_words_are_drawn_and_sorted_as_numbers(
    browser: Tab, tmp_path: Path
):
    marked = [[Cell(content=f"at {n}", value=n), n] for n in (0, 0.00001, 2, 10)]
    x, y = ({"field": name, "type": "quantitative"} for name in ("at", "value"))
    spec = {"mark": "bar", "width": 300, "encoding": {"x": x, "y": y}}
    keyed = [Column(title="when", key="at"), Column(title="value", key="value")]
    chart = Chart(spec=spec, table=Table(columns=keyed, rows=marked))
    path = tmp_path / "behind.html"
    table = Table(columns=keyed, rows=marked)
    path.write_text(Page(title="p", sections=[Section("s", table, chart)]).render())
    browser.look(width=1280)
    browser.open(path.as_uri())
    marks = "document.querySelectorAll('figure .mark-rect path')"
    browser.wait_for(f"{marks}.length === 4")
    places = browser.value(f"[...{marks}].map(p => p.getBoundingClientRect().x)")
    assert places[3] - places[0] == pytest.approx(5 * (places[2] - places[0]), rel=0.02)
    browser.value("document.querySelector('div.table th button').click()")
    rows = "[...document.querySelectorAll('div.table tbody td:first-child')]"
    order = ["at 10", "at 2", "at 1e-05", "at 0"]
    assert browser.value(f"{rows}.map(cell => cell.textContent)") == order


def test_a_log_scale_lifts_what_is_small(opened: Tab):
    first, second, *_ = bars(opened, 0)
    opened.value("document.querySelector('figure input').click()")
    opened.wait_for("document.querySelector('figure').dataset.log === '1'")
    time.sleep(0.5)
    low, high, *_ = bars(opened, 0)
    assert low / high > 2 * first / second


def test_a_log_scale_of_values_above_zero_gives_each_power_the_same_room(
    browser: Tab, tmp_path: Path
):
    x, y = ({"field": n, "type": "quantitative", "scale": {"zero": False}} for n in ("at", "value"))
    meta = {"log": ["y"], "constant": {"y": 0}}
    spec = {"mark": "point", "width": 300, "encoding": {"x": x, "y": y}, "usermeta": meta}
    keyed = [Column(title=key, key=key) for key in ("at", "value")]
    chart = Chart(spec=spec, table=Table(columns=keyed, rows=[[1, 1e-9], [2, 1e-6], [3, 1e-3]]))
    path = tmp_path / "powers.html"
    path.write_text(Page(title="p", sections=[Section("s", chart)]).render())
    browser.look(width=1280)
    browser.open(path.as_uri())
    marks = "[...document.querySelectorAll('figure .mark-symbol path')]"
    browser.wait_for(f"{marks}.length === 3")
    browser.value("document.querySelector('figure input').click()")
    places = f"{marks}.map(p => p.getBoundingClientRect().y)"
    browser.wait_for(f"(p => Math.abs(p[0] - 2 * p[1] + p[2]) < 2)({places})")
    assert browser.errors == []


def test_a_chart_is_enlarged_with_the_names_of_its_colours(opened: Tab):
    bars(opened, 0)
    opened.value("document.querySelector('figure button').click()")
    opened.wait_for("document.querySelector('dialog svg') !== null")
    assert opened.value("document.querySelector('dialog .legend').textContent") == "".join(NAMES)
    opened.value("document.querySelector('dialog button').click()")
    opened.wait_for("document.querySelector('dialog') === null")


def test_charts_far_below_are_drawn_when_they_come_into_view(opened: Tab):
    bars(opened, 0)
    last = "[...document.querySelectorAll('figure')].at(-1)"
    assert opened.value(f"{last}.querySelector('svg') === null")
    opened.value(f"{last}.scrollIntoView()")
    opened.wait_for(f"{last}.querySelector('svg') !== null")


@pytest.mark.parametrize("width", [390, 600, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_fits_its_width_in_light_and_dark(opened: Tab, width: int, dark: bool):
    opened.look(width=width, dark=dark)
    bars(opened, 0)
    # Charts are drawn anew for the width, which a busy machine does a while later.
    opened.wait_for(f"document.documentElement.scrollWidth === {width}")
    paper = opened.value("getComputedStyle(document.body).backgroundColor")
    label = opened.value("getComputedStyle(document.querySelector('figure svg text')).fill")
    lightness = [sum(json.loads(f"[{c[4:-1]}]")) for c in (paper, label)]
    assert (lightness[0] < lightness[1]) == dark


def test_a_page_works_in_the_frame_of_kfp_without_a_network(
    browser: Tab, page: Path, tmp_path: Path
):
    frame = tmp_path / "frame.html"
    frame.write_text(
        '<iframe sandbox="allow-scripts" style="width:600px;height:900px"></iframe><script>'
        "addEventListener('message', told => { window.told = told.data; });</script>"
    )
    browser.look(width=640)
    browser.open(frame.as_uri())
    requests_before = len(browser.requests)
    tells = (
        "<script>setInterval(() => parent.postMessage("
        "document.querySelectorAll('figure svg').length, '*'), 100)</script>"
    )
    source = json.dumps(page.read_text(encoding="utf-8") + tells)
    browser.value(f"document.querySelector('iframe').srcdoc = {source}; 1")
    browser.wait_for("window.told > 1")
    assert [url for url in browser.requests[requests_before:] if not url.startswith("about:")] == []
    assert browser.errors == []


def test_charts_are_drawn_where_scripts_may_not_make_code(browser: Tab, page: Path, tmp_path: Path):
    rules = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    strict = f'<meta http-equiv="Content-Security-Policy" content="{rules}">'
    path = tmp_path / "strict.html"
    path.write_text(page.read_text(encoding="utf-8").replace("<title>", f"{strict}<title>", 1))
    browser.open(path.as_uri())
    assert bars(browser, 0)
    assert browser.errors == []


def test_numbers_are_read_without_scripts(browser: Tab, page: Path):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page.as_uri())
        shown = browser.call("DOM.getDocument", depth=-1)
        assert shown["root"]
        node = browser.call("DOM.querySelector", nodeId=shown["root"]["nodeId"], selector="figure")
        html = browser.call("DOM.getOuterHTML", nodeId=node["nodeId"])["outerHTML"]
        assert "<td>0.25</td>" in html
        assert "<svg" not in html
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
