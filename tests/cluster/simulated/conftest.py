from pathlib import Path

import pytest
from accounts import Account, install
from inference_services import InferenceServices


@pytest.fixture
def pipeline(services: InferenceServices, tmp_path: Path) -> Account:
    """The account of pipeline steps, where the manifests are installed."""
    install(services.namespace, tmp_path)
    return Account(services.namespace, "kanaria-pipeline", tmp_path)


@pytest.fixture
def rollout(
    pipeline: Account,  # noqa: ARG001 - its manifests bring this account too.
    services: InferenceServices,
    tmp_path: Path,
) -> Account:
    """The account of the rollout controller."""
    return Account(services.namespace, "kanaria-rollout", tmp_path)
