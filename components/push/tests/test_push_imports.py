"""What a push on one machine does not load: it would take longer than the push."""

import subprocess
import sys

import pytest

HEAVY = (
    "tensorflow",
    "apache_beam",
    "pandas",
    "IPython",
    "matplotlib",
    "kubernetes",
    "minio",
    "kfp",
)


@pytest.mark.parametrize("module", ["components.push.push", "serving.local.__main__"])
def test_neither_push_nor_server_loads_what_only_others_need(module: str):
    code = f"import sys, kanaria.{module}; print(*sorted({{*{HEAVY}}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
