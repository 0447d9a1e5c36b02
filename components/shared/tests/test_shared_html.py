import math
import re
from pathlib import Path

import numpy as np
import pytest

import kanaria.components
from kanaria.components.shared.artifacts.metadata import plain


def test_metadata_becomes_plain_json():
    raw = {"n": np.int64(3), "nan": math.nan, "none": None, "list": [np.float32(0.5), math.inf]}
    assert plain(raw) == {"n": 3, "nan": "nan", "list": [0.5, "inf"]}


@pytest.mark.parametrize("module", ["components", "pipelines", "serving"])
def test_figures_take_their_colours_from_the_page(module):
    # A colour of its own would be unreadable in one of the two modes.
    folder = Path(kanaria.components.__file__).parents[1] / module
    sources = [p for p in folder.rglob("*.py") if "tests" not in p.parts and p.name != "html.py"]
    assert sources
    colours = [
        p for p in sources if re.search(r"(fill|stroke|color)[=:]\"?#[0-9a-f]{3}", p.read_text())
    ]
    assert colours == []
