"""One name for a folder, a service and a module."""

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.project_template import project_name
from kanaria.serving.inference_service.service_check import OBJECT_NAME

GOOD = ("my-project", "tips", "a", "fraud-2", "x9-y8", "a" * 40)
WRONG = {
    "My_Project": "as my-project",
    "my project": "as my-project",
    "9-lives": "as model-9-lives",
    "a.b": "as a-b",
    "my--project": "as my-project",
    "-x-": "as x",
    "größe": "as gr-e",
    "": "a letter first",
    "..": "a letter first",
    "a" * 41: "use 40 characters at most",
    "email": "its module email.py would hide",
    "class": "its module class.py would hide",
    "kanaria": "as kanaria-model",
    "yaml": "its module yaml.py would hide",
    "tests": "its module tests.py would hide",
    "tensorflow-transform": "its module tensorflow_transform.py would hide",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_that_of_a_module_and_of_a_service(name: str):
    project_name.check(name)
    assert project_name.module_of(name).isidentifier()
    assert OBJECT_NAME.fullmatch(name)


@pytest.mark.parametrize("name", WRONG, ids=repr)
def test_a_name_that_would_break_the_project_is_refused_with_a_better_one(name: str):
    with pytest.raises(ParameterError) as refused:
        project_name.check(name)
    assert WRONG[name] in str(refused.value)
    assert "\n" not in str(refused.value)
