import math
import re
from pathlib import Path

import numpy as np
import pytest

import kanaria.components
from kanaria.components.shared.artifacts.metadata import plain
from kanaria.components.shared.report import html


def test_hostile_text_is_escaped():
    document = html.page("<b>", html.table(["<i>"], [["<script>alert(1)</script>"]]))
    assert "<script>" not in document
    assert "&lt;script&gt;" in document


def test_a_page_loads_nothing_from_outside():
    document = html.page("report", html.section("s", html.table(["a"], [[1]])))
    assert "http" not in document
    assert "src=" not in document


def test_metadata_becomes_plain_json():
    raw = {"n": np.int64(3), "nan": math.nan, "none": None, "list": [np.float32(0.5), math.inf]}
    assert plain(raw) == {"n": 3, "nan": "nan", "list": [0.5, "inf"]}


def test_a_header_is_aligned_as_the_numbers_below_it():
    drawn = html.table(["name", "rows"], [["train", "–"], ["eval", 3]])
    assert '<th>name</th><th class="number">rows</th>' in drawn
    assert "<td>–</td>" in drawn
    assert '<td class="number">3</td>' in drawn


def test_a_page_fits_a_phone_and_a_dark_room():
    document = html.page("report")
    assert '<meta name="viewport" content="width=device-width,initial-scale=1">' in document
    assert "prefers-color-scheme:dark" in document


@pytest.mark.parametrize("module", ["components", "pipelines", "serving"])
def test_figures_take_their_colours_from_the_page(module):
    # A colour of its own would be unreadable in one of the two modes.
    folder = Path(kanaria.components.__file__).parents[1] / module
    sources = [p for p in folder.rglob("*.py") if "tests" not in p.parts and p.name != "html.py"]
    assert sources
    found = [
        p for p in sources if re.search(r"(fill|stroke|color)[=:]\"?#[0-9a-f]{3}", p.read_text())
    ]
    assert found == []
