"""A row may have several terms of a sum, as of several labels, or none, as of no weight."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.evaluate.add_rows import expanded
from kanaria.components.evaluate.slices import Membership


@given(
    st.lists(st.integers(0, 3), max_size=6).flatmap(
        lambda terms: st.tuples(st.just(terms), st.lists(st.booleans(), min_size=len(terms)))
    )
)
def test_a_slice_has_the_terms_of_its_rows_and_no_others(drawn: tuple[list[int], list[bool]]):
    terms_of_rows, chosen = drawn
    count = len(terms_of_rows)
    term_rows = np.repeat(np.arange(count), terms_of_rows)
    rows = np.array([row for row in range(count) if chosen[row]], dtype=np.int64)
    members = Membership(keys=((),), rows=rows, slices=np.zeros(len(rows), dtype=np.int64))
    terms, slice_of = expanded(term_rows, members, np.array([7]), count)
    assert terms.tolist() == [term for term, row in enumerate(term_rows) if chosen[row]]
    assert set(slice_of.tolist()) <= {7} and len(slice_of) == len(terms)
