"""What light steps and the local server do not load: it would take longer than their work."""

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


ASKING = ("aiohttp", "httpx")
"""Clients, which a push loads when it asks a revision, and a report when it tells somebody."""


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("components.push.push", HEAVY + ASKING),
        ("components.report.report", HEAVY + ASKING),
        ("components.rollout.rollout", HEAVY + ASKING),
        ("components.evaluate.bless", HEAVY + ASKING),
        ("components.shared.artifacts.outcome", (*HEAVY, *ASKING, "numpy")),
        ("serving.local.__main__", HEAVY),
    ],
)
def test_a_light_step_loads_nothing_that_only_others_need(module: str, unwanted: tuple[str, ...]):
    code = f"import sys, kanaria.{module}; print(*sorted({{*{unwanted}}} & set(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == []
