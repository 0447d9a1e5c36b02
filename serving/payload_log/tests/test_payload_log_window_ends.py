from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.payload_log.window_ends import Head, end_by_rows, is_closed, span_by_time

NOW, GRACE = 1000.0, 60.0
HEADS = st.lists(
    st.tuples(st.integers(0, 5), st.floats(0, NOW), st.booleans()), max_size=30
).map(lambda all_: [
    Head(number=n, rows=r, received=t, whole=w) for n, (r, t, w) in enumerate(all_, start=1)
])  # fmt: skip


def head(number, rows=1, received=0.0, whole=True):
    return Head(number=number, rows=rows, received=received, whole=whole)


def test_a_window_ends_with_the_exchange_that_fills_it():
    assert end_by_rows([head(3, 4), head(5, 4), head(8, 4)], 6, GRACE, NOW) == 5
    assert end_by_rows([head(3, 4)], 6, GRACE, NOW) is None


def test_a_window_waits_for_a_response_as_long_as_the_grace():
    half = head(2, received=NOW - 30, whole=False)
    assert end_by_rows([head(1), half], 2, GRACE, NOW) is None
    assert end_by_rows([head(1), half], 2, GRACE, NOW + 30) == 2


@given(HEADS, st.integers(1, 20))
def test_a_closed_window_never_changes(heads, rows):
    ends = [end_by_rows(heads[:count], rows, GRACE, NOW) for count in range(len(heads) + 1)]
    distinct = {end for end in ends if end is not None}
    assert len(distinct) <= 1
    for end in distinct:
        later = [head(h.number, h.rows, h.received) for h in heads]
        assert end_by_rows(later, rows, GRACE, NOW + 100) == end


@given(st.floats(0, 1e10), st.sampled_from([1.0, 60.0, 3600.0, 86400.0]))
def test_every_moment_lies_in_its_window(time, seconds):
    begin, end = span_by_time(time, seconds)
    assert begin <= time < end
    assert not is_closed(end, GRACE, end)
    assert is_closed(end, GRACE, end + GRACE)
