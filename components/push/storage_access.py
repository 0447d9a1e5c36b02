"""Gives KServe's pods the access to a bucket that this step has itself.

Credentials come from the step's environment and mounted files, and go into a Secret; they are in
no parameter, artifact, log or message.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanaria.components.shared.errors import ConflictError, ParameterError, shown
from kanaria.components.shared.storage import location
from kanaria.serving.inference_service import bucket_access
from kanaria.serving.inference_service.bucket_access import BucketAccess
from kanaria.serving.inference_service.service_spec import ServiceSpec, StorageAccess

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_api.client import KubernetesClient

REMEDY = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or MINIO_ACCESS_KEY and MINIO_SECRET_KEY, "
    "or mount a file and name it by AWS_SHARED_CREDENTIALS_FILE"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PodAccess:
    """The access, and the names of the objects that carry it into a service's pods."""

    bucket: BucketAccess
    namespace: str
    secret: str
    account: str


def of(service: ServiceSpec, model_root: str) -> PodAccess:
    """Return the access that the environment has to `model_root`, for the pods of a service.

    Objects are named by the service's storage parameters, else `<service>-storage`.

    Raises:
        ParameterError: the root is no S3 bucket, or the environment has no lasting credentials.
    """
    bucket = location.parse(model_root)
    if bucket is None or bucket.scheme == "gs":
        raise ParameterError(
            f"service.createStorageSecret: model_root={shown(model_root)} is no s3:// or minio:// "
            "bucket; leave it out"
        )
    default = f"{service.name}-storage"
    return PodAccess(
        bucket=_bucket(bucket.scheme, os.environ),
        namespace=service.namespace,
        secret=service.storage.secret or default,
        account=service.storage.service_account or default,
    )


def _bucket(scheme: str, environ: Mapping[str, str]) -> BucketAccess:
    from kanaria.components.shared.storage import s3_environment  # Only buckets load their clients.

    endpoint = s3_environment.endpoint(scheme, environ)
    provider = s3_environment.provider(scheme, endpoint, environ)
    try:
        credentials = provider.retrieve() if provider else None
    except ValueError as error:
        # The cause is not shown, since it may quote what was read.
        raise ParameterError(
            f"service.createStorageSecret: unusable credentials; {REMEDY}"
        ) from error
    if credentials is None:
        raise ParameterError(f"service.createStorageSecret: no credentials in the step; {REMEDY}")
    if credentials.session_token:
        raise ParameterError(
            "service.createStorageSecret: the step's credentials are temporary and would end in "
            "the Secret; give the pods a role of their own and name its serviceAccountName"
        )
    return BucketAccess(
        host=endpoint.host,
        secure=endpoint.secure,
        region=endpoint.region,
        access_key=credentials.access_key,
        secret_key=credentials.secret_key,
    )


def used(service: ServiceSpec, access: PodAccess) -> ServiceSpec:
    """Return the service whose pods run as the account."""
    return replace(service, storage=StorageAccess(service_account=access.account))


def create(access: PodAccess, cluster: "KubernetesClient") -> None:
    """Apply the Secret and the ServiceAccount.

    Raises:
        ConflictError: a Secret of this name is somebody else's.
        PermissionDeniedError: the account may not; manifests/storage has the Role.
    """
    from kanaria.serving.kubernetes_api.resource_kinds import SECRETS, SERVICE_ACCOUNTS

    namespace = access.namespace
    secret = bucket_access.secret(access.bucket, namespace, access.secret)
    account = bucket_access.service_account(namespace, access.account, access.secret)
    stored = cluster.unchanged(SECRETS, namespace, access.secret)
    if stored is None:
        # Not applied: what another has made in between would be changed.
        cluster.create(SECRETS, namespace, secret)
    elif bucket_access.is_ours(stored):
        secret["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        cluster.apply(SECRETS, namespace, secret)
    else:
        raise ConflictError(
            f"Secret {namespace}/{access.secret}: not made by Kanaria, so it is left as it is; "
            "name another one by storageSecretName, or leave createStorageSecret out"
        )
    cluster.apply(SERVICE_ACCOUNTS, namespace, account)
