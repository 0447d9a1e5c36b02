from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid, first_fault
from kanaria.components.shared.errors import ParameterError


class Window(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rows: int


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    window: Window | Literal[False]
    names: tuple[str, ...] = ()


def fault_of(document, **options):
    faults = Faults("watch.yaml")
    with pytest.raises(ValidationError) as caught:
        Document.model_validate(document)
    add_invalid(faults, caught.value, **options)
    with pytest.raises(ParameterError) as raised:
        faults.raise_if_any()
    return str(raised.value)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "window is missing: name it"),
        ({"window": {}}, "window.rows is missing: name it"),
        ({"window": {"rows": "many"}}, "window.rows='many': Input should be a valid integer"),
        ({"window": 5}, "window=5: write a mapping of its settings, {} for the defaults"),
        ({"window": False, "names": 1}, "names=1: write a list"),
        ({"window": False, "color": "red"}, "color='red': there is no such key, remove it"),
        ([], "document=[]: write a mapping of its settings"),
    ],
)
def test_a_fault_is_told_once_by_name_value_and_remedy(document, expected):
    message = fault_of(document, branches={"Window"})
    assert message.startswith(f"watch.yaml: {expected}")
    assert "; " not in message


def test_all_faults_are_told_under_the_name_of_their_document():
    fault = fault_of(
        {"window": {"rows": 1, "color": 2}, "names": 3}, where="own", branches={"Window"}
    )
    assert "own.window.color=2" in fault
    assert "own.names=3" in fault


def test_of_a_document_of_our_own_the_first_fault_is_told():
    with pytest.raises(ValidationError) as caught:
        Document.model_validate({"window": {"rows": "many"}, "names": 3})
    assert first_fault(caught.value).startswith("window.Window.rows='many': Input should be")
