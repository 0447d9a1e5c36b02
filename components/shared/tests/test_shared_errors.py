import pytest

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown


def test_shown_values_stay_on_one_short_line():
    text = shown("a\nb" * 1000)
    assert "\n" not in text
    assert len(text) < 250


def test_all_faults_come_in_one_error():
    faults = Faults("push_model")
    faults.check(False, "canary_percent", 120, "use 0 to 100")
    faults.check(True, "namespace", "default", "never shown")
    faults.check(False, "gpus", -1, "use 0 or more")
    with pytest.raises(ParameterError) as caught:
        faults.raise_if_any()
    assert str(caught.value) == (
        "push_model: canary_percent=120: use 0 to 100; gpus=-1: use 0 or more"
    )


def test_no_faults_no_error():
    Faults("push_model").raise_if_any()
