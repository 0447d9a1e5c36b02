import pytest

from kanaria.serving.rollout.judgement.counts_needed import factor_until


@pytest.mark.parametrize("border", [1.0, 1.5, 2.0, 77.0])
def test_the_factor_is_the_border(border):
    assert factor_until(lambda factor: factor >= border) == pytest.approx(border)


def test_what_never_holds_has_no_factor():
    assert factor_until(lambda _factor: False) is None
