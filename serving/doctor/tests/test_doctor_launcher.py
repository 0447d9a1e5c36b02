"""Which Secrets KFP reads, by the ConfigMap as its users write it."""

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.doctor.launcher_secrets import OWN_SECRET, root, secrets

STORE = """
s3:
  default:
    endpoint: s3.example.com:9000
    region: us-east-1
    disableSSL: true
    credentials:
      fromEnv: false
      secretRef:
        secretName: kanaria-store
        accessKeyKey: AWS_ACCESS_KEY_ID
        secretKeyKey: AWS_SECRET_ACCESS_KEY
"""
OVERRIDES = """
  Overrides:
  - bucketName: other
    keyPrefix: a/b
    credentials: {secretRef: {secretName: other, accessKeyKey: a, secretKeyKey: s}}
  - bucketName: public
    credentials: {fromEnv: true}
"""
KFP_SECRET = ("kanaria-store", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
S3_ROOT = "s3://bucket/artifacts"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, (OWN_SECRET,)),
        ({"defaultPipelineRoot": "minio://other/root"}, (OWN_SECRET,)),
        ({"defaultPipelineRoot": S3_ROOT}, ()),
        ({"providers": STORE}, (OWN_SECRET, KFP_SECRET)),
        ({"defaultPipelineRoot": S3_ROOT, "providers": STORE}, (KFP_SECRET,)),
        ({"providers": STORE.replace("s3:\n", "minio:\n", 1)}, (KFP_SECRET,)),
        (
            {"defaultPipelineRoot": S3_ROOT, "providers": STORE + OVERRIDES},
            (KFP_SECRET, ("other", ("a", "s"))),
        ),
        (
            {
                "defaultPipelineRoot": S3_ROOT,
                "providers": "s3: {default: {credentials: {fromEnv: true}}}",
            },
            (),
        ),
    ],
)
def test_the_secrets_are_those_that_the_providers_name(
    data: dict[str, str], expected: tuple[object, ...]
):
    assert secrets(data) == expected


def test_without_a_root_of_its_own_kfp_uses_its_own_store():
    assert root({}) == "minio://mlpipeline/v2/artifacts"
    assert root({"defaultPipelineRoot": S3_ROOT}) == S3_ROOT


@pytest.mark.parametrize(
    ("providers", "fault"),
    [
        ("s3: [", "providers"),
        ("s3", "providers='s3': write a mapping"),
        ("s3: {default: {endpoint: x}}", "s3.default.credentials: write fromEnv: true, or a"),
        ("s3: {overrides: []}", "s3.default.credentials: write"),
        ("s3: {default: {credentials: {fromEnv: false}}}", "s3.default.credentials: write"),
        (
            "s3: {default: {credentials: {secretRef: {secretName: x, accessKeyKey: a}}}}",
            "secretName, accessKeyKey and secretKeyKey",
        ),
        (
            "s3: {default: {credentials: {fromEnv: true}}, overrides: [{bucketName: b}]}",
            "s3.overrides[0].credentials: write",
        ),
    ],
)
def test_providers_that_kfp_would_fail_on_are_told_with_their_place(providers: str, fault: str):
    with pytest.raises(ParameterError) as raised:
        secrets({"providers": providers})
    assert fault in str(raised.value)
