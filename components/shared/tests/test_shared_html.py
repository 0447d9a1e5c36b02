import math

import numpy as np

from kanaria.components.shared import charts, html
from kanaria.components.shared.metadata import plain


def test_hostile_text_is_escaped():
    document = html.page("<b>", html.table(["<i>"], [["<script>alert(1)</script>"]]))
    assert "<script>" not in document
    assert "&lt;script&gt;" in document


def test_a_page_loads_nothing_from_outside():
    series = [charts.Series(name="train", ys=[1, 2])]
    document = html.page("report", html.section("s", charts.bars(series, ["a", "b"])))
    assert "http" not in document
    assert "src=" not in document


def test_bars_are_scaled_to_the_highest():
    drawing = charts.bars([charts.Series(name="train", ys=[1.0, 4.0])], ["a", "b"])
    assert 'height="12.0"' in drawing
    assert 'height="48.0"' in drawing


def test_metadata_becomes_plain_json():
    raw = {"n": np.int64(3), "nan": math.nan, "none": None, "list": [np.float32(0.5), math.inf]}
    assert plain(raw) == {"n": 3, "nan": "nan", "list": [0.5, "inf"]}
