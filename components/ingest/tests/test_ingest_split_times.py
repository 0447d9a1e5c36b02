"""Splits that are shares of time, whatever form the times have."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanaria.components.ingest.hash_split import Split
from kanaria.components.ingest.time_split import Shares
from kanaria.components.shared.errors import DataError

TWO_TO_ONE = (Split(name="train", weight=2), Split(name="eval", weight=1))


@pytest.fixture
def by_time(tmp_path_factory):
    """Split times, which come some at a time."""

    def run(times: list[object], splits=TWO_TO_ONE, at_once: int = 1000) -> list[int]:
        folder = tmp_path_factory.mktemp("times")
        whole = pa.chunked_array([times])
        pieces = [whole.slice(n, at_once) for n in range(0, len(times), at_once)]
        shares = Shares(folder / "all", "time")
        for piece in pieces:
            shares.add(piece)
        shares.cut(splits)
        return [place for piece in pieces for place in shares.places(piece).tolist()]

    return run


@pytest.mark.parametrize("at_once", [1, 4, 6])
def test_the_oldest_rows_go_to_the_first_split(by_time, at_once: int):
    assert by_time([5, 1, 3, 2, 4, 6], at_once=at_once) == [1, 0, 0, 0, 0, 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 20), min_size=1), st.integers(1, 5), st.integers(1, 5))
def test_splits_follow_time_and_cut_only_between_distinct_times(by_time, times, first, second):
    splits = (Split(name="old", weight=first), Split(name="new", weight=second))
    places = by_time(times, splits)
    pairs = sorted(zip(times, places, strict=True))
    assert [place for _, place in pairs] == sorted(places)
    assert len({time for time, _ in pairs}) == len(set(pairs))
    wanted = len(times) * first / (first + second)
    largest_tie = max(times.count(time) for time in times)
    assert wanted <= places.count(0) < wanted + largest_tie + 1


INSTANTS = {
    "offsets": ("2024-01-01T01:00+09:00", "2023-12-31T20:00Z", "2024-01-01T00:30+09:00"),
    "fractions": ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.25Z"),
    "nanoseconds": (
        "9999-12-31T00:00:00.000000001",
        "9999-12-31T00:00:00.000000002",
        "9999-12-31T00:00:00",
    ),
    "the end of summer time": (
        "2024-10-27T02:45+02:00",
        "2024-10-27T02:30+01:00",
        "2024-10-27T02:15+02:00",
    ),
    "seconds left out": ("2024-01-01 08:00", "2024-01-01 08:00:01", "2024-01-01"),
    "before 1970": ("1969-12-31 23:59:59.5", "1970-01-01", "1969-12-31 23:59:59"),
}


@pytest.mark.parametrize("times", INSTANTS.values(), ids=INSTANTS)
@pytest.mark.parametrize("at_once", [1, 3])
def test_times_are_split_by_instant(by_time, times: tuple[str, ...], at_once: int):
    assert by_time(list(times), at_once=at_once) == [0, 1, 0]


def test_one_instant_written_in_two_ways_stays_together(by_time):
    times = ["2024-01-01T00:00Z", "2024-01-01T01:00+01:00", "2023-01-01T00:00Z"]
    assert by_time(times) == [0] * 3


@pytest.mark.parametrize("at_once", [1, 2])
def test_times_with_a_zone_beside_times_without_one_are_refused(by_time, at_once: int):
    message = "'2024-01-01T08:00Z' has a zone, '2024-01-01T07:00' has none; give every time a zone"
    with pytest.raises(DataError, match=message):
        by_time(["2024-01-01T07:00", "2024-01-01T08:00Z"], at_once=at_once)


def test_iso_text_sorts_as_time(by_time):
    times = ["2013-02-01 08:00", "2012-12-31 23:59:59", "2013-02-01T07:00"]
    assert by_time(times) == [1, 0, 0]


@pytest.mark.parametrize("text", ["31.01.2013", "1/31/2013", "Jan 2013", "2013-1-5"])
def test_text_that_does_not_sort_by_time_is_refused(by_time, text: str):
    message = rf"time_column='time': '{text}': no time in ISO 8601 \(.*\); write ISO 8601, or"
    with pytest.raises(DataError, match=message):
        by_time(["2013-01-05", text])
