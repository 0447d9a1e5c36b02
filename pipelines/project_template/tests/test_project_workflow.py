"""The workflow of a project: calls make, asks for little, and names what it needs."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


@pytest.fixture(scope="module")
def text(project: Path) -> str:
    return (project / ".github/workflows/check-and-deliver.yml").read_text()


@pytest.fixture(scope="module")
def workflow(text: str) -> dict[Any, Any]:
    return yaml.safe_load(text)


def steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def test_every_command_is_a_target_of_the_makefile(project: Path, workflow: dict[Any, Any]):
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), re.M))
    calls = [step["run"] for step in steps(workflow) if "run" in step]
    others = [call for call in calls if not call.startswith("make ")]
    assert others == ["git diff --exit-code pipeline.yaml"]
    for call in set(calls) - set(others):
        words = [word for word in shlex.split(call)[1:] if "=" not in word]
        assert words in ([words[-1]], ["-C", ".kanaria-source", "install"]), call
        assert words[0] == "-C" or words[0] in targets, call


def test_actions_are_pinned_by_the_hash_of_their_commit(text: str):
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", one)] == []


def test_it_may_read_the_code_and_nothing_else(workflow: dict[Any, Any]):
    assert workflow["permissions"] == {"contents": "read"}
    assert [job for job in workflow["jobs"].values() if "permissions" in job] == []
    checkouts = [step["with"] for step in steps(workflow) if "uses" in step]
    assert {str(one["persist-credentials"]) for one in checkouts} == {"False"}


def test_what_is_not_ours_reaches_no_shell(workflow: dict[Any, Any]):
    # An expression in a command is text that the shell reads; variables are not.
    assert [step["run"] for step in steps(workflow) if EXPRESSION.search(step.get("run", ""))] == []


def test_secrets_are_given_to_single_steps_and_not_to_pull_requests(workflow: dict[Any, Any]):
    jobs = workflow["jobs"]
    for name, job in jobs.items():
        outside = {key: value for key, value in job.items() if key != "steps"}
        assert "secrets." not in str(outside), name
        is_check = name == "check"
        assert is_check or jobs[name]["needs"] in ("check", "images")
        assert is_check or name == "deliver" or job["if"] == "github.event_name == 'push'"
    named = set(re.findall(r"secrets\.(\w+)", str(jobs["check"])))
    assert named == {"KANARIA_TOKEN"}


def test_the_readme_lists_every_variable_and_secret(project: Path, text: str):
    readme = (project / "README.md").read_text()
    named = set(re.findall(r"(?:secrets|vars)\.(\w+)", text))
    listed = set(re.findall(r"`([A-Z][A-Z_0-9]+)`", readme))
    assert len(named) > 10
    assert named - listed == set()


def test_jobs_end_and_deliveries_to_one_place_wait_for_each_other(workflow: dict[Any, Any]):
    assert {job["timeout-minutes"] <= 350 for job in workflow["jobs"].values()} == {True}
    assert workflow["jobs"]["deliver"]["concurrency"]["cancel-in-progress"] is False
