import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kanaria.components.shared.data.decimals import matched, plain
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy_fourier import (
    FourierMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov

decimals = st.builds(
    lambda whole, exponent: float(f"{whole}e{exponent}"),
    st.integers(-999_999, 999_999),
    st.integers(-15, 15),
)
singles = arrays.arrays(np.float32, st.integers(1, 30), elements=st.floats(width=32))


@given(st.lists(decimals, min_size=1))
def test_six_digits_come_back_exactly(written: list[float]):
    assert plain(np.array(written, np.float32)).tolist() == written


@given(singles)
def test_every_value_stays_the_same_float32_and_in_its_order(column: np.ndarray):
    decimals = plain(column)
    assert np.array_equal(decimals.astype(np.float32), column, equal_nan=True)
    assert np.array_equal(np.argsort(decimals, kind="stable"), np.argsort(column, kind="stable"))


@given(singles)
def test_the_bits_of_a_float32_are_the_same_number_in_any_type_and_twice(column: np.ndarray):
    decimals, bits = plain(column), column.astype(np.float64)
    assert np.array_equal(plain(decimals), decimals, equal_nan=True)
    # A large whole number may be exact, and stays.
    whole = np.rint(bits) == bits
    assert np.array_equal(plain(bits), np.where(whole, bits, decimals), equal_nan=True)
    assert np.array_equal(
        matched(bits, np.unique(decimals[np.isfinite(decimals)])), decimals, equal_nan=True
    )


@given(st.lists(st.floats(2.0**-46, 2.0**99, width=32), min_size=1))
def test_the_text_that_other_programs_write_of_a_float32_is_its_number(values: list[float]):
    column = np.array(values, np.float32)
    # At a power of two a shorter text may lie on the wider side; `matched` sees to it.
    inner = np.frexp(column)[0] != 0.5
    assert plain(column)[inner].tolist() == [float(str(v)) for v in column[inner]]


def test_what_is_no_float32_stays():
    for column in (np.array([0.1, 1 / 3, np.nan]), np.array([1, 2**24 + 1]), np.array([True])):
        assert np.array_equal(plain(column), column.astype(float), equal_nan=True)


def test_a_float16_is_the_decimal_that_was_meant():
    assert plain(np.array([0.1, 39.0, -2.5, 1.23], np.float16)).tolist() == [0.1, 39.0, -2.5, 1.23]


@pytest.mark.parametrize("detector", [KolmogorovSmirnov(), ChiSquared()])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_float32_rows_decimals_and_bits_of_the_same_numbers_are_equal(detector, kind):
    written = np.round(np.random.default_rng(1).normal(40, 10, 500), 1)
    reference = detector.fit({"temp": written.astype(kind)})
    for window in (written, written.astype(np.float32), written.astype(np.float32).astype(float)):
        assert detector.test(reference, {"temp": window}).statistic == 0.0


def test_rows_of_several_numbers_have_the_same_form():
    written = np.round(np.random.default_rng(1).normal(40, 10, 50), 1)
    rows = FourierMaximumMeanDiscrepancy().fit({"temp": written.astype(np.float32)})
    assert rows.values[:, 0].tolist() == np.sort(written).tolist()


def test_a_number_is_the_references_where_they_are_one_float32():
    thirds = np.array([1 / 3, 2 / 3])
    single = thirds.astype(np.float32)
    assert matched(single.astype(float), thirds).tolist() == thirds.tolist()
    assert matched(thirds, np.sort(plain(single))).tolist() == plain(single).tolist()
    assert matched(np.array([0.1 + 0.2]), np.array([0.3])).tolist() == [0.3]


def test_numbers_that_float32_cannot_tell_apart_are_left_alone():
    times = 1_700_000_000.0 + np.arange(100)
    moved = times + 200
    assert matched(moved, times).tolist() == moved.tolist()
    odd = np.array([np.nan, np.inf, -np.inf, 1e308, 0.0, -0.0])
    assert np.array_equal(matched(odd, np.array([1e300])), odd, equal_nan=True)
    assert matched(odd, np.array([])) is odd
