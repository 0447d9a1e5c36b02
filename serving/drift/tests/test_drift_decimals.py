import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kanaria.serving.drift.decimals import widened
from kanaria.serving.drift.kolmogorov_smirnov import KolmogorovSmirnov

decimals = st.builds(
    lambda whole, exponent: float(f"{whole}e{exponent}"),
    st.integers(-999_999, 999_999),
    st.integers(-15, 15),
)


@given(st.lists(decimals, min_size=1))
def test_six_digits_come_back_exactly(written: list[float]):
    assert widened(np.array(written, np.float32)).tolist() == written


@given(arrays.arrays(np.float32, st.integers(1, 30), elements=st.floats(width=32)))
def test_every_value_stays_the_same_float32_and_in_its_order(column: np.ndarray):
    found = widened(column)
    assert np.array_equal(found.astype(np.float32), column, equal_nan=True)
    assert np.array_equal(np.argsort(found, kind="stable"), np.argsort(column, kind="stable"))


def test_other_types_are_left_alone():
    for column in (np.array([0.1]), np.array([1]), np.array(["a"])):
        assert widened(column) is column


def test_float32_rows_and_decimal_requests_of_the_same_numbers_are_equal():
    written = np.round(np.random.default_rng(1).normal(40, 10, 500), 1)
    detector = KolmogorovSmirnov()
    reference = detector.fit({"temp": widened(written.astype(np.float32))})
    assert detector.test(reference, {"temp": written}).statistic == 0.0
