"""Which MLflow server a pipeline's runs are tracked by, as one mapping. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError

WHERE = "tracking"
URI, RUN = "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"
"""Variables that KFP's MLflow plugin sets in a step, and that MLflow's own clients read."""
LONGEST_EXPERIMENT = 500
LONGEST_MODEL = 256
NAMELESS = frozenset({".", ".."})

TRACKING = (
    Key(
        name="tracking_uri",
        kind=Kind.TEXT,
        meaning="http://host:5000: the MLflow server; empty for MLFLOW_TRACKING_URI.",
        default="",
    ),
    Key(
        name="experiment_name",
        kind=Kind.TEXT,
        meaning="experiment of the runs, made where it is not there; empty for the pipeline's "
        "name.",
        default="",
    ),
    Key(
        name="run_name",
        kind=Kind.TEXT,
        meaning="what the run is called in MLflow; empty for its id.",
        default="",
    ),
    Key(
        name="registered_model_name",
        kind=Kind.TEXT,
        meaning="registered model whose versions are the releases; empty for the service's name.",
        default="",
    ),
    Key(
        name="tracking_required",
        kind=Kind.BOOLEAN,
        meaning="true to push nothing where the server does not answer; else the run goes on "
        "with a warning.",
        default=False,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracking:
    """How runs are tracked.

    Attributes:
        tracking_uri: of the server, without a slash at its end; "" for the environment's.
        experiment_name: "" for the pipeline's name.
        run_name: "" for the run's id.
        registered_model_name: "" for the service's name.
        tracking_required: whether a push fails that cannot be tracked.
        mlflow_run_id: MLflow's run that somebody else has made for this one; "" to make one.
    """

    tracking_uri: str = ""
    experiment_name: str = ""
    run_name: str = ""
    registered_model_name: str = ""
    tracking_required: bool = False
    mlflow_run_id: str = ""


def parse(mapping: Any, faults: Faults) -> Tracking | None:
    """Return what a mapping asks for, None where it is empty; usable when no fault was added.

    Args:
        mapping: what the user wrote; {} to track nothing.
        faults: gets everything that is wrong, each with the way to it.
    """
    values = keys.read(mapping, TRACKING, WHERE, faults)
    if not mapping:
        return None
    if remedy := _fault(values["tracking_uri"]):
        # The value is not shown: it may hold a password.
        faults.add(f"{WHERE}.tracking_uri: {remedy}")
    name = values["experiment_name"]
    fits = len(name) <= LONGEST_EXPERIMENT
    remedy = f"use up to {LONGEST_EXPERIMENT} characters"
    faults.check(fits, f"{WHERE}.experiment_name", name, remedy)
    name = values["registered_model_name"]
    fits = not name or is_model_name(name)
    remedy = f"use up to {LONGEST_MODEL} characters, without '/' and ':'"
    faults.check(fits, f"{WHERE}.registered_model_name", name, remedy)
    return Tracking(**{**values, "tracking_uri": values["tracking_uri"].rstrip("/")})


def is_model_name(name: str) -> bool:
    """Tell whether MLflow takes the name of a registered model."""
    bare = name.strip()
    return (
        bool(bare)
        and len(name) <= LONGEST_MODEL
        and bare not in NAMELESS
        and not set(name) & set("/:")
    )


def _fault(uri: str) -> str:
    """Return what is to be done about the URI of a server, "" for nothing."""
    try:
        parts = urlsplit(uri)
        whole = not uri or (parts.scheme in ("http", "https") and bool(parts.hostname))
        whole = whole and parts.port != 0
    except ValueError:
        return "no address of a server; write http://HOST:PORT"
    if not whole or any(letter.isspace() for letter in uri):
        return "no address of a server; write http://HOST:PORT, a database or a folder is none"
    if "@" in parts.netloc:
        return (
            "it holds a password; put it into MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or a token into MLFLOW_TRACKING_TOKEN"
        )
    return "write it without ? and #" if parts.query or parts.fragment else ""


def within(mapping: Any, faults: Faults, environment: Mapping[str, str]) -> Tracking | None:
    """Return how the runs of this process are tracked, None where nobody asks for it.

    Whoever gives no mapping is tracked all the same where KFP has made a run in MLflow for him.

    Args:
        mapping: what the user wrote.
        faults: gets everything that is wrong.
        environment: of the process.
    """
    own, run = environment.get(URI, "").strip().rstrip("/"), environment.get(RUN, "").strip()
    tracking = parse(mapping, faults)
    if tracking is None:
        tracking = Tracking() if own and run else None
    if tracking is None:
        return None
    uri = tracking.tracking_uri or own
    if not uri:
        faults.add(f"{WHERE}.tracking_uri is missing: write http://HOST:PORT, or set {URI}")
    elif not tracking.tracking_uri and _fault(uri):
        faults.add(f"{URI}: {_fault(uri)}")
    return replace(tracking, tracking_uri=uri, mlflow_run_id=run if uri == own else "")


def model_name(tracking: Tracking, service: str) -> str:
    """Return the name of the registered model of a service's releases.

    Raises:
        ParameterError: the service's name cannot be one.
    """
    name = tracking.registered_model_name or service
    if not is_model_name(name):
        raise ParameterError(f"{WHERE}.registered_model_name is missing: {name!r} cannot be one")
    return name
