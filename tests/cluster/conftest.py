import os
import uuid
from collections.abc import Iterator

import pytest
from inference_services import InferenceServices, wait_until
from kubernetes import client, config, dynamic


@pytest.fixture(scope="session")
def api() -> dynamic.DynamicClient:
    if "KUBECONFIG" not in os.environ:
        pytest.fail("these tests run inside a control plane: make test-cluster", pytrace=False)
    config.load_kube_config()
    return dynamic.DynamicClient(client.ApiClient())


@pytest.fixture
def services(api: dynamic.DynamicClient) -> Iterator[InferenceServices]:
    """The InferenceServices of a namespace of this test alone."""
    core = client.CoreV1Api(api.client)
    name = f"test-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    # Every pod runs as this account, which a controller makes a moment later.
    wait_until(lambda: "default" in accounts(core, name))
    yield InferenceServices(api, name)
    core.delete_namespace(name)


def accounts(core: client.CoreV1Api, namespace: str) -> list[str]:
    found = core.list_namespaced_service_account(namespace).items
    return [one.metadata.name for one in found]
