"""The Secret and the ServiceAccount by which KServe's pods read a bucket. Pure.

Source: KServe 0.20, pkg/credentials/s3: keys and annotations of a Secret that the ServiceAccount
of the pod lists.
"""

from dataclasses import dataclass, field
from typing import Any

ANNOTATION = "serving.kserve.io"
Part = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketAccess:
    """Where a bucket is, and who asks; the keys are never part of the object's text.

    Attributes:
        host: host and port without scheme.
        secure: whether to use TLS; its certificate is verified then.
        region: of the bucket, or "".
        access_key: key's id.
        secret_key: the key.
    """

    host: str
    secure: bool
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def secret(access: BucketAccess, namespace: str, name: str) -> Part:
    """Return the Secret; its text is `stringData`, which the API server encodes."""
    told = {
        "s3-endpoint": access.host,
        "s3-usehttps": "1" if access.secure else "0",
        "s3-verifyssl": "1" if access.secure else "0",
        "s3-region": access.region,
    }
    annotations = {f"{ANNOTATION}/{key}": value for key, value in told.items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "type": "Opaque",
        "stringData": {
            "AWS_ACCESS_KEY_ID": access.access_key,
            "AWS_SECRET_ACCESS_KEY": access.secret_key,
        },
    }


def service_account(namespace: str, name: str, secret_name: str) -> Part:
    """Return the ServiceAccount that lists the Secret."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace},
        "secrets": [{"name": secret_name}],
    }
