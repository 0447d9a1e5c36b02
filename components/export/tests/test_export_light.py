"""What export_lite loads: the step no TensorFlow, and its process no more of it than it uses."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
import kanaria.components.export.{module}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
HEAVY = {"IPython", "apache_beam", "keras", "kfp", "matplotlib", "pandas"}


@pytest.mark.parametrize(
    ("module", "never", "loads_tensorflow"),
    [("converter_process", {*HEAVY, "tensorflow"}, False), ("lean_imports", HEAVY, True)],
)
def test_nothing_is_loaded_that_is_not_used(module: str, never: set[str], loads_tensorflow: bool):
    command = [sys.executable, "-I", "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert ("tensorflow" in loaded) is loads_tensorflow
    assert sorted(never & loaded) == []
