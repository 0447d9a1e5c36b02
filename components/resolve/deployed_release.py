"""The work of resolve_deployed: which release is live."""

import os
from pathlib import PurePosixPath
from typing import Any

from kanaria.components.shared.artifacts import release
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving import signature_keys
from kanaria.serving.delivery_mapping import Delivery, parse
from kanaria.serving.inference_service import service_mapping
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.model_registry import tracking_settings
from kanaria.serving.traffic.find_traffic import connect, namespace_of
from kanaria.serving.traffic.traffic_protocol import ServiceStatus


def release_of(status: ServiceStatus | None) -> str:
    """Return the release of the stable revision, never the canary's; "" when there is none.

    Raises:
        DataError: the stable revision serves something that is no release of Kanaria.
    """
    uri = status.revision_uris.get(status.rolled_out, "") if status else ""
    if not uri:
        return ""
    folder, _, name = uri.rstrip("/").rpartition("/")
    if name != release.MODEL or not PurePosixPath(folder).name:
        raise DataError(
            f"storageUri={shown(uri)}: the stable revision is no release of push_model; "
            "use another service.name"
        )
    return folder


def verify_key(settings: Delivery) -> str:
    """Return the public key that a run's releases must be signed for, as PEM; "" for none.

    It is read once, in the first step of a run, and handed on as text: no other step needs its
    file, and all of them mean the same key. A public key is no secret.

    Raises:
        ParameterError: what names it names no file with a key.
    """
    keys = signature_keys.verifying(settings.verify_key)
    return keys.pem if keys else ""


def checked(service: Any, delivery: Any, tracking: Any) -> tuple[ServiceSpec, Delivery]:
    """Return what two mappings of a pipeline ask for, after a look at the third.

    Args:
        service: what serves, in the words of an InferenceService.
        delivery: how a release comes to its traffic.
        tracking: which MLflow server is told of it.

    Raises:
        ParameterError: something in one is wrong; all faults are named.
    """
    faults = Faults("resolve_deployed")
    parsed = service_mapping.parse(service, faults, namespace_of), parse(delivery, faults)
    tracking_settings.within(tracking, faults, os.environ)
    faults.raise_if_any()
    return parsed


def resolve_deployed(name: str, namespace: str) -> str:
    """Return the URI of the live release, or "" when nothing is deployed.

    Raises:
        DataError: the service serves something that is no release.
        NotReadyError: the environment names no way to deliver.
    """
    with connect() as traffic:
        return release_of(traffic.observe(namespace, name))
