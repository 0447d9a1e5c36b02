"""Layout of a release: what push_model publishes and resolve_deployed finds again.

A release is one folder `<model root>/<service name>/<fingerprint>/`:

    model/<integer>/saved_model.pb ...   storageUri points at `model`
    schema/schema.pbtxt                  the schema the model was trained under
    statistics/<split>/FeatureStats.pb   the data the model was trained on
    drift_detector/detector.json ...     its features as a drift detector compares them, if any
    release.json                         lineage

Its URI names the model completely, so it serves as a cache key.
"""

from pathlib import Path

from kanaria.components.shared.document_format import DocumentFormat

MODEL = "model"
SCHEMA = "schema"
STATISTICS = "statistics"
DRIFT_DETECTOR = "drift_detector"
LINEAGE = "release.json"
FORMAT = DocumentFormat()
"""Of release.json."""
ENDPOINT, ENDPOINT_FORMAT = "endpoint.json", DocumentFormat()
"""What push_model says of where a release is served, beside the release; for rollout_model."""


def model_folder(release: str | Path) -> Path:
    """Return the folder that holds the numbered SavedModel of a release."""
    return Path(release) / MODEL


def schema_file(release: str | Path) -> Path:
    """Return the path of the release's schema text proto."""
    return Path(release) / SCHEMA / "schema.pbtxt"


def statistics_folder(release: str | Path) -> Path:
    """Return the folder that holds the release's statistics, one folder a split."""
    return Path(release) / STATISTICS
