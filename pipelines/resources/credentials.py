"""Which environment variables the steps read, and which of them are secret. Pure.

KFP hands a Secret to a step key by key; it cannot hand over all that is in it. So a Secret that is
named without keys gives the variables that Kanaria's own code reads, each where the Secret has it.
"""

STORES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "S3_ENDPOINT",
    "S3_USE_HTTPS",
    "MINIO_ENDPOINT",
    "MINIO_ACCESS_KEY",
    "MINIO_SECRET_KEY",
)
DATABASE = ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSSLMODE")
DRIFT = ("KANARIA_DRIFT_TOKEN",)
MLFLOW = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
VARIABLES = (*STORES, *DATABASE, *DRIFT, *MLFLOW)
SECRET = ("AWS_SECRET_ACCESS_KEY", "MINIO_SECRET_KEY", "PGPASSWORD")
SECRET_ENDINGS = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "SECRET_KEY", "PRIVATE_KEY")


def is_secret(variable: str) -> bool:
    """Tell whether a variable's value belongs into a Secret, by its name."""
    name = variable.upper()
    words = tuple(f"_{ending}" for ending in SECRET_ENDINGS)
    return name in (*SECRET, *SECRET_ENDINGS) or name.endswith(words)


def variables_of(prefix: str) -> dict[str, str]:
    """Return which keys are taken of a Secret that is named without keys: key -> variable.

    A variable is the prefix and the key, as with `kubectl set env --from=secret/NAME --prefix`.
    With `PG`, the keys USER and PASSWORD become PGUSER and PGPASSWORD; a prefix that makes none of
    the variables that the steps read stands before all of them, for the user's own code.
    """
    made = [name for name in VARIABLES if name.startswith(prefix) and name != prefix]
    if made:
        return {name.removeprefix(prefix): name for name in made}
    return {name: f"{prefix}{name}" for name in VARIABLES}
