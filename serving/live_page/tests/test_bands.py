import math

import numpy as np
import pytest

from kanaria.components.shared.errors import DataError
from kanaria.serving.live_page.band import share_of
from kanaria.serving.live_page.latency_quantiles import quantile
from kanaria.serving.live_page.metric_samples import parsed
from kanaria.serving.live_page.wording import percent_band, seconds_band

BOUNDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, math.inf)


def within(seconds):
    return {bound: float(np.sum(seconds <= bound)) for bound in BOUNDS}


def test_a_share_has_the_interval_of_wilson():
    band = share_of(3, 100)
    # R: binom::binom.confint(3, 100, methods = "wilson")
    assert (band.value, band.low, band.high) == pytest.approx((0.03, 0.010252, 0.084522), abs=1e-5)
    assert percent_band(band) == "3 % (1 to 8.5)"
    assert share_of(0, 0) is None


def test_quantiles_lie_in_the_bucket_of_the_true_one_and_their_interval_holds_it():
    draw = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        seconds = draw.lognormal(-3.5, 0.8, 400)
        band = quantile(within(seconds), 0.95)
        truth = math.exp(-3.5 + 0.8 * 1.6448536)
        held += band.low <= truth <= band.high
        assert band.low <= band.value <= band.high
    assert held >= 190


@pytest.mark.parametrize(
    ("counts", "share", "text"),
    [
        ({0.1: 10, math.inf: 10}, 0.5, "50 ms (0 to 100)"),
        ({0.1: 0, math.inf: 10}, 0.5, "100 ms (100 to more)"),
        ({0.1: 1, math.inf: 1}, 0.95, "95 ms (0 to more)"),
        ({1.0: 1000, 2.0: 2000, math.inf: 2000}, 0.75, "1.5 s (1 to 2)"),
    ],
)
def test_quantiles_of_few_buckets(counts, share, text):
    assert seconds_band(quantile(counts, share)) == text


@pytest.mark.parametrize("counts", [{}, {math.inf: 0.0}, {0.1: 0.0, math.inf: 0.0}])
def test_nothing_has_no_quantile(counts):
    assert quantile(counts, 0.5) is None


@pytest.mark.parametrize("text", ["<html>", "kanaria_requests_total{ 1", "a b"])
def test_what_is_no_metrics_is_one_clear_error(text):
    with pytest.raises(DataError, match="not metrics in Prometheus' text format"):
        parsed(text)
