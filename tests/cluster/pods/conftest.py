import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from control_plane.object_store import URL
from drift_process import DriftServer
from event_sink import Sink
from inference_services import InferenceServices
from kubernetes import client, dynamic

Publish = Callable[..., str]


@pytest.fixture
def publish(services: InferenceServices, api: dynamic.DynamicClient) -> Publish:
    """Puts a model of a version, and what else it does, into the store and returns its URI."""
    allow_downloads(client.CoreV1Api(api.client), services.namespace)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    store = boto3.client("s3", endpoint_url=URL, region_name="us-east-1", **keys)
    bucket = services.namespace
    store.create_bucket(Bucket=bucket)

    def publish(version: str, **behaviour: Any) -> str:
        body = json.dumps({"version": version, **behaviour})
        store.put_object(Bucket=bucket, Key=f"taxi/{version}/1/model.json", Body=body)
        return f"s3://{bucket}/taxi/{version}"

    return publish


@pytest.fixture
def drift(tmp_path: Path) -> Iterator[DriftServer]:
    drift = DriftServer(tmp_path)
    yield drift
    drift.process.terminate()
    drift.process.wait(30)


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    thread = threading.Thread(target=sink.server.serve_forever)
    thread.start()
    yield sink
    sink.server.shutdown()
    thread.join()
    sink.server.server_close()


def allow_downloads(core: client.CoreV1Api, namespace: str) -> None:
    """KServe takes the keys and the store's address from a secret of the service account."""
    annotations = {
        "serving.kserve.io/s3-endpoint": URL.removeprefix("http://"),
        "serving.kserve.io/s3-usehttps": "0",
        "serving.kserve.io/s3-region": "us-east-1",
    }
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    metadata = {"name": "s3", "annotations": annotations}
    core.create_namespaced_secret(namespace, {"metadata": metadata, "stringData": keys})
    account = {"metadata": {"name": "default"}, "secrets": [{"name": "s3"}]}
    core.patch_namespaced_service_account("default", namespace, account)
