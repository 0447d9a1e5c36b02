"""SHAP takes seconds to load: only what explains may load it."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
OTHERS = [
    "kanaria.components.explain.request",
    "kanaria.components.shared.explanation.explanation_method",
    "kanaria.pipelines.cli",
    "kanaria.serving.explainer.explain_request",
    "kanaria.serving.inference_service.service_manifest",
    "kanaria.serving.local.server",
]


def loaded(*modules: str) -> set[str]:
    command = [sys.executable, "-I", "-c", PROGRAM, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", OTHERS)
def test_what_explains_nothing_loads_no_shap(module: str):
    assert loaded(module) & {"shap", "numba", "tensorflow"} == set()


def test_what_explains_loads_it():
    assert {"shap", "numba"} <= loaded("kanaria.serving.explainer.explanations")
