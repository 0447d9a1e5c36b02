"""Whatever loads a part of a release opens it by the one door that verifies it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOOR = "components/shared/artifacts/verified_release.py"
LOADERS = {
    "components/detect/detect.py",
    "components/evaluate/bless.py",
    "components/evaluate/release_history.py",
    "components/predict/predict.py",
    "components/predict/scored_drift.py",
    "components/push/release_signature.py",
    "components/train/base_model.py",
    "components/validate/baselines.py",
    "pipelines/flights/drift_watch.py",
    "pipelines/governance_commands.py",
    "pipelines/lineage.py",
    "serving/checks/stable_revision.py",
    "serving/drift_watch/watch_detectors.py",
    "serving/explainer/background_rows.py",
    "serving/local/predictor/model_copy.py",
    "serving/rollout/control/signed_canary.py",
    "serving/verified_storage.py",
}
"""What goes through the door. Who adds a loader adds it here, and a test of a tampered release."""
NOT_LOADERS = {
    DOOR: "is the door",
    "components/push/publish_release.py": "writes it, and compares what lies there with it",
    "components/push/push.py": "names what it has published and verified",
    "components/push/release_card.py": "tells of what this push has published and verified",
    "components/push/push_tracking.py": "names a copy of the record in MLflow",
    "components/resolve/deployed_release.py": "takes a URI apart",
    "serving/model_card/card_files.py": "names files of the card, which is written after",
    "serving/model_card/card_sections.py": "reads fingerprints that it is given",
    "serving/inference_service/service_manifest.py": "names a URI for KServe",
    "serving/local/explainer/explainer_process.py": "names a URI for background_rows",
}
PARTS = {"MODEL", "SCHEMA", "STATISTICS", "DRIFT_DETECTOR", "SERVING_SAMPLES", "LINEAGE"}
INSIDE = {*PARTS, "read_record", "parse_record", "samples_beside"}
"""Names of `release` by which one gets at what lies in one."""
OPENERS = {"opened", "record", "taken", "check", "check_folder"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for part in ("components", "pipelines", "serving"):
        for path in sorted((ROOT / part).rglob("*.py")):
            if "tests" not in path.parts and "project_template" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def attributes(tree: ast.Module, module: str) -> set[str]:
    """Return which names of a module are used, by `module.name` or imported from it."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == module:
                names.add(name)
            case ast.ImportFrom(module=place) if (place or "").endswith(f"artifacts.{module}"):
                names.update(alias.name for alias in node.names)
    return names


def test_every_loader_goes_through_the_door_and_is_listed():
    through = {name for name, tree in modules() if attributes(tree, "verified_release") & OPENERS}
    assert through == LOADERS


def test_nobody_else_gets_at_what_lies_in_a_release():
    inside = {name for name, tree in modules() if attributes(tree, "release") & INSIDE}
    assert inside - LOADERS == NOT_LOADERS.keys()


RELEASES = ("deployed", "base_model", "release")
"""Inputs of steps that are the URI of a release."""


def tasks(text: str) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """Yield each task of a compiled pipeline with its inputs that another task gives."""
    document = next(yaml.safe_load_all(text))
    dags = [document["root"]["dag"]]
    dags += [each["dag"] for each in document["components"].values() if "dag" in each]
    for dag in dags:
        for name, task in dag["tasks"].items():
            inputs = task.get("inputs", {}).get("parameters", {})
            sources = {key: value.get("taskOutputParameter", {}) for key, value in inputs.items()}
            yield name, {key: value for key, value in sources.items() if value}


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*/pipeline.yaml")), ids=str)
def test_each_step_that_is_given_a_release_is_given_the_key_it_must_be_signed_for(path: Path):
    for name, inputs in tasks(path.read_text("utf-8")):
        if any(key in inputs for key in RELEASES):
            key = inputs.get("verify_key", {})
            assert key.get("producerTask") == "resolve-deployed", name
            assert key.get("outputParameterKey") == "verify_key", name
