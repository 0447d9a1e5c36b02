"""The Secret and the ServiceAccount by which KServe's pods read a bucket. Pure.

Source: KServe 0.20, pkg/credentials/s3: keys and annotations of a Secret that the ServiceAccount
of the pod lists.
"""

from dataclasses import dataclass, field
from typing import Any

from kanaria.serving.protocol.annotation_names import KSERVE

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


MADE_HERE = {"app.kubernetes.io/managed-by": "kanaria"}
"""Labels of a Secret that may be written anew; one without them is somebody else's."""


def is_ours(secret: Part) -> bool:
    """Tell whether a Secret that is there was made here."""
    metadata = secret.get("metadata", {})
    labels = metadata.get("labels") or {}
    is_labelled = all(labels.get(name) == value for name, value in MADE_HERE.items())
    # Before there was a label, the field manager alone told who made it.
    managers = {entry.get("manager") for entry in metadata.get("managedFields") or ()}
    return is_labelled or managers == {"kanaria"}


def secret(access: BucketAccess, namespace: str, name: str) -> Part:
    """Return the Secret; its text is `stringData`, which the API server encodes."""
    said = {
        "s3-endpoint": access.host,
        "s3-usehttps": "1" if access.secure else "0",
        "s3-verifyssl": "1" if access.secure else "0",
        "s3-region": access.region,
    }
    annotations = {f"{KSERVE}/{key}": value for key, value in said.items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": MADE_HERE,
            "annotations": annotations,
        },
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
