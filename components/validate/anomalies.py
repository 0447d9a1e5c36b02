"""Turns TFDV's anomalies into the reasons of an outcome."""

from tensorflow_metadata.proto.v0 import anomalies_pb2

from kanaria.components.shared.outcome import Reason

SEVERITIES = {
    anomalies_pb2.AnomalyInfo.UNKNOWN: "ERROR",  # Fail closed.
    anomalies_pb2.AnomalyInfo.WARNING: "WARNING",
    anomalies_pb2.AnomalyInfo.ERROR: "ERROR",
}


def _of_info(subject: str, info: anomalies_pb2.AnomalyInfo, split: str) -> list[Reason]:
    return [
        Reason(
            severity=SEVERITIES[info.severity],
            subject=subject,
            kind=anomalies_pb2.AnomalyInfo.Type.Name(reason.type),
            text=f"{subject} in {split}: {reason.short_description}: {reason.description}",
            split=split,
        )
        for reason in info.reason
    ]


def reasons(anomalies: anomalies_pb2.Anomalies, split: str) -> list[Reason]:
    """Return one reason an anomaly reason, ordered by feature."""
    found = [
        reason
        for subject in sorted(anomalies.anomaly_info)
        for reason in _of_info(subject, anomalies.anomaly_info[subject], split)
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        found += _of_info("the data set", anomalies.dataset_anomaly_info, split)
    if anomalies.data_missing:
        text = f"split {split} holds no examples"
        found.append(
            Reason(severity="ERROR", subject="the data set", kind="DATA_MISSING", text=text, split=split)
        )
    return found
