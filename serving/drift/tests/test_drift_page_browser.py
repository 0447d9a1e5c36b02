"""The drift page in a real browser: widths, light and dark, and the frame of KFP."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Tab, started

from kanaria.serving.drift import report_records
from kanaria.serving.drift.report import report_page, window_record
from kanaria.serving.drift.table_detector import Table

HOSTILE = "</script><script>window.harmed = 1</script>"


def document() -> str:
    draw, detector = np.random.default_rng(1), Table()
    reference = detector.fit({HOSTILE: draw.normal(size=2000), "hour": draw.normal(size=2000)})
    windows = []
    for place in range(4):
        columns = {HOSTILE: draw.normal(place, size=600), "hour": draw.normal(size=600)}
        result = detector.test(reference, columns)
        span = (60.0 * place, 60.0 * (place + 1))
        windows.append(window_record.window(result, reference, columns, span=span))
    watched = report_records.Watched(name=HOSTILE, windows=tuple(windows))
    return report_page.render(report_records.Report(title=HOSTILE, created=0.0, watched=(watched,)))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with started(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_and_draws_without_an_error(
    browser: Tab, tmp_path: Path, width: int, dark: bool
):
    path = tmp_path / "drift.html"
    path.write_text(document(), encoding="utf-8")
    browser.look(width=width, dark=dark)
    browser.open(path.as_uri())
    browser.wait_for("document.querySelector('figure svg') !== null")
    browser.wait_for(f"document.documentElement.scrollWidth === {width}")
    assert browser.value("window.harmed ?? 'unharmed'") == "unharmed"
    assert browser.errors == []


def test_the_page_works_in_the_frame_of_kfp_without_a_request(browser: Tab, tmp_path: Path):
    frame = tmp_path / "frame.html"
    frame.write_text(
        '<iframe sandbox="allow-scripts" style="width:600px;height:900px"></iframe><script>'
        "addEventListener('message', told => { window.told = told.data; });</script>"
    )
    browser.look(width=640)
    browser.open(frame.as_uri())
    before = len(browser.requests)
    tells = (
        "<script>setInterval(() => parent.postMessage("
        "document.querySelectorAll('figure svg').length, '*'), 100)</script>"
    )
    browser.value(f"document.querySelector('iframe').srcdoc = {json.dumps(document() + tells)}; 1")
    browser.wait_for("window.told > 1")
    assert [url for url in browser.requests[before:] if not url.startswith("about:")] == []
    assert browser.errors == []
