from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.resolve import span_pattern
from kanaria.components.resolve.span_pattern import Position
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError

NAMES = st.text("abz-_.", max_size=6)


def position(pattern: str, path: str) -> Position | None:
    return span_pattern.position(span_pattern.expression(pattern), path)


@given(NAMES, NAMES, st.integers(0, 10**9), st.integers(0, 10**6))
def test_a_path_says_the_numbers_it_was_written_with(before, between, span, version):
    pattern = f"{before}{{SPAN}}/{between}{{VERSION}}/*.csv"
    path = f"{before}{span}/{between}{version}/x1.csv"
    assert position(pattern, path) == Position(span=span, version=version)


@given(st.dates(min_value=date(1, 1, 1)))
def test_a_day_is_its_distance_from_1970(day):
    path = f"data/{day.year:04}/{day.month:02}-{day.day:02}.csv"
    place = position("data/{YYYY}/{MM}-{DD}.csv", path)
    assert place == Position(span=(day - date(1970, 1, 1)).days)
    assert span_pattern.day_of(place.span) == day


def test_a_wildcard_before_a_number_leaves_it_all_its_digits():
    assert position("*{SPAN}.csv", "part12.csv") == Position(span=12)
    assert position("**/{SPAN:2}*.csv", "a/b/123.csv") == Position(span=12)


def test_a_token_that_repeats_has_one_value():
    assert position("{SPAN}/{SPAN}.csv", "7/7.csv") == Position(span=7)
    assert position("{SPAN}/{SPAN}.csv", "7/8.csv") is None


def test_a_day_that_is_in_no_calendar_is_none():
    assert position("{YYYY}{MM}{DD}.csv", "20130230.csv") is None


def test_a_width_counts_digits():
    assert position("{SPAN:3}.csv", "042.csv") == Position(span=42)
    assert position("{SPAN:3}.csv", "42.csv") is None


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("{VERSION}.csv", "needs"),
        ("{YYYY}-{MM}.csv", "a day needs"),
        ("{SPAN}-{YYYY}{MM}{DD}.csv", "not both"),
        ("{FOO}.csv", "unknown token"),
        ("{SPAN:x}.csv", "number of digits"),
        ("{SPAN:0}.csv", "number of digits"),
        ("{YYYY:2}{MM}{DD}.csv", "number of digits"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused(pattern, fault):
    faults = Faults("resolve_span")
    span_pattern.check(pattern, faults)
    with pytest.raises(ParameterError, match=fault):
        faults.raise_if_any()
