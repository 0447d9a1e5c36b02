"""The timeline in a real browser."""

import re

import pytest
from browser import started as browser_started

from kanaria.components.shared.times import clock
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline import record_history, timeline_page

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")

SPREAD = """[...document.querySelectorAll('figure')].map(figure => {
  const places = [...figure.querySelectorAll('.role-axis-label text')]
    .filter(label => /:/.test(label.textContent)).map(label => label.getBoundingClientRect().x);
  return Math.max(...places) - Math.min(...places);
})"""
"""Pixels between the first and the last label of time, of each figure."""
CURVES = """[...document.querySelectorAll('figure')].slice(1).flatMap(figure =>
  [...figure.querySelectorAll('.mark-line path')].map(path => path.getBBox().width)
)"""
"""Pixels from the begin to the end of each curve; the first figure has marks alone."""
LABELS = "[...document.querySelectorAll('.role-axis-label text')].map(label => label.textContent)"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_panel_is_drawn_without_an_error_or_a_request(
    facts, started: float, make_record, tmp_path, width, dark
):
    path = tmp_path / "timeline.html"
    entries = make_record(RAMP, 60, silent=range(12, 18))
    path.write_text(timeline_page.render(record_history.read(facts, RAMP, started, entries)))
    (tmp_path / "profile").mkdir()
    with browser_started(tmp_path / "profile") as tab:
        tab.look(width=width, height=4000, dark=dark)
        tab.open(path.as_uri())
        tab.wait_for("[...document.querySelectorAll('figure')].every(f => f.querySelector('svg'))")
        assert tab.value("document.querySelectorAll('figure').length") == 7
        tab.wait_for(f"document.documentElement.scrollWidth === {width}")
        # An axis without ends would draw every moment at one place.
        widths = tab.value(SPREAD)
        assert len(widths) == 7
        assert min(widths) > width / 5
        curves = tab.value(CURVES)
        assert len(curves) >= 12
        assert min(curves) > width / 5
        hours = {label[:2] for label in tab.value(LABELS) if re.fullmatch(r"\d\d:\d\d", label)}
        assert hours <= {clock(moment, "%H") for moment in (started, entries[-1].now)}
        assert tab.errors == []
        loaded = [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))]
        assert loaded == []
