"""The doctor asks for what the manifests grant: no more, no less."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kanaria.serving.doctor import access_rights
from kanaria.serving.doctor.access_rights import Rule

MANIFESTS = Path(__file__).parents[3] / "manifests"
Grant = tuple[str, str, str, str]


def granted(file: Path) -> set[Grant]:
    """Every (group, resource, object's name or "", verb) of the Role in a file."""
    (role,) = (
        document for document in yaml.safe_load_all(file.read_text()) if document["kind"] == "Role"
    )
    return {grant for rule in role["rules"] for grant in grants(rule)}


def grants(rule: dict[str, Any]) -> set[Grant]:
    return {
        (group, resource, name, verb)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize(
    ("file", "needed"),
    [
        ("base/pipeline-rbac.yaml", access_rights.NEEDED),
        ("kserve/configuration-rbac.yaml", (access_rights.CONFIGURATION,)),
    ],
)
def test_the_doctor_asks_for_what_the_role_grants(file: str, needed: tuple[Rule, ...]):
    reviewed = {
        grant for rule in yaml.safe_load(access_rights.as_yaml(needed)) for grant in grants(rule)
    }
    assert reviewed == granted(MANIFESTS / file)


def test_the_doctor_asks_for_what_the_role_for_kfp_grants_but_for_the_stores_secrets():
    reviewed = {
        grant
        for rule in yaml.safe_load(access_rights.as_yaml(access_rights.KFP))
        for grant in grants(rule)
    }
    granted_rights = granted(MANIFESTS / "runs/kfp-rbac.yaml")
    assert reviewed == {grant for grant in granted_rights if grant[1] != "secrets"}


@pytest.mark.parametrize("account", ["pipeline", "rollout"])
def test_no_account_sees_secrets_or_has_wildcards(account: str):
    granted_rights = granted(MANIFESTS / f"base/{account}-rbac.yaml")
    assert not [grant for grant in granted_rights if grant[1] == "secrets" or "*" in grant]


def test_the_controller_creates_no_services_and_starts_nothing_of_its_own():
    granted_rights = granted(MANIFESTS / "base/rollout-rbac.yaml")
    assert ("serving.kserve.io", "inferenceservices", "", "create") not in granted_rights
