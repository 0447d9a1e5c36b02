"""The work of resolve_deployed: which release is live."""

from pathlib import PurePosixPath

from kanaria.components.shared import release
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.parameters import Faults
from kanaria.serving.inference_service.check import check_names
from kanaria.serving.traffic.connect import connect
from kanaria.serving.traffic.protocol import ServiceStatus


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
            "use another service_name"
        )
    return folder


def resolve_deployed(service_name: str, namespace: str) -> str:
    """Return the URI of the live release, or "" when nothing is deployed.

    Raises:
        ParameterError: a name is malformed.
        DataError: the service serves something that is no release.
        NotReadyError: the environment names no way to deliver.
    """
    faults = Faults("resolve_deployed")
    check_names(service_name, namespace, faults)
    faults.raise_if_any()
    with connect() as traffic:
        return release_of(traffic.observe(namespace, service_name))
