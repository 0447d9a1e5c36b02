from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from kanaria.components.detect.example_columns import sampled
from kanaria.components.shared.errors import DataError

Examples = Callable[..., Path]


def test_every_row_is_equally_likely(examples_of: Examples):
    folder = examples_of("rows", a={"x": range(60)}, b={"x": range(60, 100)})
    times = np.zeros(100)
    for seed in range(200):
        columns, _ = sampled(folder, ["a", "b"], 20, seed).columns()
        assert len(np.unique(columns["x"])) == 20
        times[columns["x"]] += 1
    low, high = binom.interval(1 - 1e-3 / 100, 200, 0.2)
    assert (times >= low).all()
    assert (times <= high).all()


def test_missing_values_stay_missing(examples_of: Examples):
    columns = {"n": [1.5, None, 2.5], "i": [1, None, 3], "t": ["a", None, ""], "none": [None] * 3}
    sample, _ = sampled(examples_of("gaps", a=columns), ["a"], 10, 0).columns()
    assert np.array_equal(sample["n"], [1.5, np.nan, 2.5], equal_nan=True)
    assert np.array_equal(sample["i"], [1, np.nan, 3], equal_nan=True)
    assert sample["t"].tolist() == ["a", None, ""]
    assert np.isnan(sample["none"]).all()


def test_numbers_are_those_that_were_written(examples_of: Examples):
    written = {"x": [39.02, 0.1, -1e-7, 123456.0]}
    sample, _ = sampled(examples_of("decimals", tfrecord=True, a=written), ["a"], 10, 0).columns()
    assert sample["x"].tolist() == written["x"]


def test_a_split_without_rows_is_an_error(examples_of: Examples):
    with pytest.raises(DataError, match="a has no rows"):
        sampled(examples_of("empty", a={"x": np.array([], np.int64)}), ["a"], 10, 0)
