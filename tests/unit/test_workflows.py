"""Workflows do what anybody can do by hand: they call make, and actions that cannot change."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()


def jobs(workflow: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(workflow.read_text())["jobs"].values())


def commands(job: dict[str, Any]) -> list[str]:
    """Return the commands of a job, each in every form that its matrix gives it."""
    matrix = job.get("strategy", {}).get("matrix", {})
    cases = matrix.get("include") or [
        {name: value} for name, values in matrix.items() for value in values
    ]
    texts = []
    for step in job["steps"]:
        for case in cases or [{}]:
            text = step.get("run", "")
            for name, value in case.items():
                text = text.replace(f"${{{{ matrix.{name} }}}}", value)
            texts.append(text)
    return [command for text in dict.fromkeys(texts) for command in text.split(" && ") if command]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_is_a_make_target_that_exists(workflow: Path):
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    calls = [command for job in jobs(workflow) for command in commands(job)]
    assert calls
    for call in calls:
        program, *words = shlex.split(call.removeprefix("sudo "))
        assert program in ("make", "apt-get"), call
        assert program == "apt-get" or words[0] in targets, call


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_the_hash_of_their_commit(workflow: Path):
    used = [step["uses"] for job in jobs(workflow) for step in job["steps"] if "uses" in step]
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one)] == []


def test_the_shards_of_the_serving_tests_are_all_of_them():
    (whole,) = re.findall(r"^SERVING_TESTS \?= (.*)$", MAKEFILE, re.MULTILINE)
    calls = [call for job in jobs(ROOT / ".github/workflows/check.yml") for call in commands(job)]
    shards = [re.findall(r"SERVING_TESTS=\"?([^\"]*)", call) for call in calls]
    parts = [part for shard in shards for paths in shard for part in paths.split()]
    assert sorted(parts) == sorted(whole.split())
