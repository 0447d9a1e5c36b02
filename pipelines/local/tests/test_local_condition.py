import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.pipelines.local import condition

X = "inputs.parameter_values['x']"


@pytest.mark.parametrize(
    ("expression", "x", "expected"),
    [
        (f"{X} == true", True, True),
        (f"{X} == true", False, False),
        (f"{X} == 'a && b'", "a && b", True),
        (f"!({X} == 'it\\'s')", "it's", False),
        (f"int({X}) > 3 && int({X}) <= 5", 5.0, True),
        (f"{X} != 'a' || {X} == 'a'", "a", True),
    ],
)
def test_compiled_conditions_are_evaluated(expression: str, x: object, expected: bool):
    assert condition.faults(expression) == []
    assert condition.holds(expression, {"x": x}) is expected


@pytest.mark.parametrize("expression", ["__import__('os')", f"{X}.upper() == 'A'", "1 +", "x == 1"])
def test_anything_else_is_a_fault(expression: str):
    assert condition.faults(expression)


@given(st.text(alphabet=st.characters(exclude_characters="'\\\"", exclude_categories=["Cc", "Cs"])))
def test_any_text_compares_equal_to_itself(text: str):
    assert condition.holds(f"{X} == '{text}'", {"x": text})
