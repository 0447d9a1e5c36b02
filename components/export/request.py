"""What export_lite is asked for, and what became of it; the process that does the work reads both.

Rule: nothing here loads TensorFlow, which only the work's own process does.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.export.gate import Latency, Limits, Measured
from kanaria.components.shared.artifacts import metadata
from kanaria.components.shared.artifacts.outcome import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to convert, and by what to judge it.

    Attributes:
        model: model artifact.
        examples: examples artifact whose rows the signature takes.
        quantization: a value of `Quantization`.
        signature: name of the signature.
        split: split whose rows both models answer.
        representative_split: split that the ranges of int8 are measured on.
        representative_rows: most rows of it, 1 or more.
        limits: what the file must hold.
    """

    model: Path
    examples: Path
    quantization: str = "none"
    signature: str = "serving_default"
    split: str = "eval"
    representative_split: str = "train"
    representative_rows: int = 200
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Final paths: the folder of the file, the outcome's folder, and the HTML file."""

    tflite_model: Path
    outcome: Path
    report: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What became of a request."""

    outcome: Outcome
    measured: Measured
    latency: Latency
    signature: str
    inputs: dict[str, str]
    outputs: dict[str, str]

    def metadata(self, of_model: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the file's artifact says of itself; the model's fingerprint goes along."""
        measured = self.measured
        facts = {
            "passed": self.outcome.passed,
            "signature": self.signature,
            "quantization": measured.quantization,
            "bytes": measured.bytes,
            "float32_bytes": measured.float32_bytes,
            "rows": measured.rows,
            "max_abs_difference": measured.max_difference,
            "agreement": measured.agreement,
            "latency_ms": asdict(self.latency),
            "inputs": self.inputs,
            "outputs": self.outputs,
            "fingerprint": of_model.get("fingerprint"),
        }
        size = f"{measured.bytes:,} bytes"
        return metadata.described("tflite_model", facts, measured.quantization, size)
