"""Turns TFDV's anomalies into the reasons of an outcome. Pure."""

from tensorflow_metadata.proto.v0 import anomalies_pb2

from kanaria.components.shared.artifacts.outcome import Reason
from kanaria.components.validate import comparators

SEVERITIES = {
    anomalies_pb2.AnomalyInfo.UNKNOWN: "ERROR",  # Fail closed.
    anomalies_pb2.AnomalyInfo.WARNING: "WARNING",
    anomalies_pb2.AnomalyInfo.ERROR: "ERROR",
}
DATA_SET = "the data set"
LONGEST_TEXT = 600
"""Characters of a reason; TFDV lists every unexpected value, SchemaDiff.pb keeps them all."""


def _text(*parts: str) -> str:
    line = " ".join(": ".join(part for part in parts if part).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"


def _of_info(subject: str, info: anomalies_pb2.AnomalyInfo, split: str) -> list[Reason]:
    return [
        Reason(
            severity=SEVERITIES[info.severity],
            subject=subject,
            kind=anomalies_pb2.AnomalyInfo.Type.Name(reason.type),
            text=_text(f"{subject} in {split}", reason.short_description, reason.description),
            split=split,
        )
        for reason in info.reason
    ]


def reasons(anomalies: anomalies_pb2.Anomalies, split: str) -> list[Reason]:
    """Return one reason for each of TFDV's, ordered by feature, the data set's last."""
    of_features = [
        reason
        for key, info in sorted(anomalies.anomaly_info.items())
        for reason in _of_info(comparators.path_name(info.path) or key, info, split)
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        of_features += _of_info(DATA_SET, anomalies.dataset_anomaly_info, split)
    return of_features
