"""Which variables a Secret gives that is named without keys."""

import re
from pathlib import Path

import pytest

import kanaria.components.shared.storage
from kanaria.pipelines.resources.credentials import VARIABLES, is_secret, variables_of

STORES = Path(kanaria.components.shared.storage.__file__).parent
NO_CREDENTIALS = {
    "AWS_CA_BUNDLE",  # Files and switches, which no Secret's key is.
    "SSL_CERT_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",  # Set by AWS itself.
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "STORAGE_EMULATOR_HOST",
}


def test_every_variable_that_the_stores_read_is_taken():
    sources = "\n".join(path.read_text() for path in STORES.glob("*.py"))
    read = set(re.findall(r'"((?:AWS|S3|MINIO|GOOGLE|STORAGE|SSL)_[A-Z0-9_]*[A-Z0-9])"', sources))
    assert {"AWS_ACCESS_KEY_ID", "S3_ENDPOINT", "MINIO_ENDPOINT"} <= read
    assert read - NO_CREDENTIALS <= set(VARIABLES)


def test_a_variable_is_the_prefix_and_the_key():
    assert variables_of("")["AWS_ACCESS_KEY_ID"] == "AWS_ACCESS_KEY_ID"
    assert variables_of("PG")["PASSWORD"] == "PGPASSWORD"
    assert variables_of("AWS_")["SECRET_ACCESS_KEY"] == "AWS_SECRET_ACCESS_KEY"
    assert "MINIO_ACCESS_KEY" not in variables_of("AWS_")
    assert variables_of("BACKUP_")["AWS_ACCESS_KEY_ID"] == "BACKUP_AWS_ACCESS_KEY_ID"
    for prefix in ("", "PG", "AWS_", "BACKUP_"):
        assert all(name == f"{prefix}{key}" for key, name in variables_of(prefix).items())


@pytest.mark.parametrize("name", ["PGPASSWORD", "KANARIA_DRIFT_TOKEN", "AWS_SECRET_ACCESS_KEY"])
def test_known_secrets_are_secrets(name: str):
    assert name in VARIABLES
    assert is_secret(name)
