"""The resolvers are light: they run before everything else, in every run."""

import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "apache_beam", "pandas", "pyarrow", "numpy", "IPython", "matplotlib"}
NAMES = "import sys, {}; print(*sys.modules)"


@pytest.mark.parametrize("module", ["span", "deployed_release"])
def test_a_resolver_loads_no_heavy_library(module: str):
    code = NAMES.format(f"kanaria.components.resolve.{module}")
    command = [sys.executable, "-I", "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(modules) == set()
