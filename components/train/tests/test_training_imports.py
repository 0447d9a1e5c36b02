"""What the training libraries import but no step uses is put off, and nothing is lost by it."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import ast, contextlib, importlib, inspect, json, sys
from kanaria.components.shared.imports import lazy, training

training.load()
put_off = {root: root in sys.modules for root in training.PLAN.modules}
mentions, caught = [], []
for name, module in list(sys.modules.items()):
    held = {key for key, value in vars(module).items() if type(value) is lazy.DeferredName}
    if held:
        tree = ast.parse(inspect.getsource(module))
        handlers = [n.type for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type]
        names = {n.id for h in handlers for n in ast.walk(h) if isinstance(n, ast.Name)}
        caught += [f"{name}.{key}" for key in held & names]
import apache_beam as beam

for base in (beam.DoFn, beam.CombineFn, beam.PTransform):
    kinds = [base]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        inspected = [value for key, value in vars(kind).items() if key != "__init__"]
        for method in inspected:
            hints = getattr(method, "__annotations__", {})
            if "DeferredName" in str([hints[key] for key in hints]):
                mentions.append(f"{kind.__module__}.{kind.__qualname__}")
follower = training.PLAN.followers["pandas"]
before = follower in sys.modules
importlib.import_module("pandas")
followed = not before and follower in sys.modules
unlike, missing = [], []
for module, values in training.PLAN.constants.items():
    real = importlib.import_module(module)
    unlike += [f"{module}.{name}" for name in values if getattr(real, name) != values[name]]
with contextlib.redirect_stdout(None):
    for module, names in training.PLAN.names.items():
        real = importlib.import_module(module)
        missing += [f"{module}.{name}" for name in names if not hasattr(real, name)]
    for module in training.PLAN.modules:
        importlib.import_module(module)
exported = [beam.io.ReadFromBigQuery, beam.io.ReadFromMongoDB, beam.io.ReadFromPubSub]
print(json.dumps(dict(
    put_off=put_off, caught=caught, mentions=mentions, unlike=unlike, missing=missing,
    exported=[str(one) for one in exported], followed=followed,
)))
"""


@pytest.fixture(scope="module")
def imports_report() -> dict:
    command = [sys.executable, "-I", "-W", "ignore", "-c", PROGRAM]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr[-3_000:]
    return json.loads(ended.stdout.splitlines()[-1])


def test_what_no_step_uses_is_not_imported(imports_report: dict):
    assert [root for root, there in imports_report["put_off"].items() if there] == []


def test_no_name_that_is_put_off_is_caught_as_an_exception(imports_report: dict):
    # An `except` takes nothing that stands for a class.
    assert imports_report["caught"] == []


def test_nothing_whose_types_beam_inspects_mentions_a_name_that_is_put_off(imports_report: dict):
    assert imports_report["mentions"] == []


def test_every_module_and_name_that_is_put_off_exists(imports_report: dict):
    assert imports_report["missing"] == []


def test_constants_are_those_of_the_modules(imports_report: dict):
    assert imports_report["unlike"] == []


def test_beam_finds_the_sources_that_were_put_off(imports_report: dict):
    assert len(imports_report["exported"]) == 3


def test_beam_learns_of_pandas_types_when_pandas_comes(imports_report: dict):
    assert imports_report["followed"]
