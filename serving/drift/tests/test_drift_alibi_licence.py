"""alibi-detect is not installed here: asking for it says what to install."""

import importlib.util

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift.alibi.alibi_detect import AlibiDetect
from kanaria.serving.drift.alibi.licence import is_bsl


def test_the_extra_is_named_where_it_is_absent():
    assert importlib.util.find_spec("alibi_detect") is None
    with pytest.raises(ParameterError, match="install the extra 'alibi'"):
        AlibiDetect(object(), accept_bsl=True)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.11.4", False), ("0.9.0", False), ("0.11.5", True), ("0.13.0", True), ("1.0", True)],
)
def test_since_when_it_is_under_the_bsl(version, expected):
    assert is_bsl(version) is expected
