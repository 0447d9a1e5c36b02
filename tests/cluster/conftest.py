import os
from collections.abc import Iterator

import pytest
from inference_services import InferenceServices, own_namespace
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
    with own_namespace(api) as services:
        yield services
