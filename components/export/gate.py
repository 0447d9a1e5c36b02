"""What was measured of a file, and whether it may go to devices. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from kanaria.components.export.parity import OutputParity
from kanaria.components.shared.artifacts.outcome import Outcome, Reason

STEP = "export_lite"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a file must hold.

    Attributes:
        max_bytes: largest size; 0 for any.
        max_abs_difference: largest difference of a float output at any row, 0 or more.
        min_agreement: least share of rows with equal decisions, 0 to 1.
    """

    max_bytes: int = 0
    max_abs_difference: float = 0.01
    min_agreement: float = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A file beside its SavedModel.

    Attributes:
        quantization: "none", "float16", "dynamic" or "int8".
        bytes: size of the file.
        float32_bytes: size of the file without quantization.
        quantized: whether some tensor of the file has the type that was asked for.
        keeps_state: whether a call changes what the next one answers.
        rows: how many were compared.
        outputs: parity of each.
    """

    quantization: str
    bytes: int
    float32_bytes: int
    quantized: bool
    keeps_state: bool
    rows: int
    outputs: Sequence[OutputParity]

    @property
    def max_difference(self) -> float | None:
        """Largest difference of any float output; None without one."""
        values = [each.max_difference for each in self.outputs if each.max_difference is not None]
        return max(values, default=None)

    @property
    def agreement(self) -> float | None:
        """Least agreement of any output that decides; None without one."""
        values = [each.agreement for each in self.outputs if each.agreement is not None]
        return min(values, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Milliseconds of calls, without what copies inputs and outputs: of half and of 95 %."""

    median: float
    percentile_95: float
    calls: int
    rows: int


def _errors(measured: Measured, limits: Limits) -> Iterator[tuple[str, str, str]]:
    """Yield subject, kind and text of each limit that does not hold."""
    if limits.max_bytes and measured.bytes > limits.max_bytes:
        text = f"the file has {measured.bytes:,} bytes, limit {limits.max_bytes:,}"
        yield "size", "max_bytes", text
    for each in measured.outputs:
        name, apart, share = f"output {each.name!r}", each.max_difference, each.agreement
        if apart is not None and apart > limits.max_abs_difference:
            text = (
                f"{name} differs by {apart:.4g} from the SavedModel at row {each.worst_row}, "
                f"limit {limits.max_abs_difference:g}"
            )
            yield each.name, "max_abs_difference", text
        if share is not None and share < limits.min_agreement:
            text = (
                f"{name} decides as the SavedModel in {share:.2%} of {each.rows:,} rows, limit "
                f"{limits.min_agreement:.2%}; first otherwise at row {each.first_disagreement}"
            )
            yield each.name, "min_agreement", text


def _notes(measured: Measured) -> Iterator[str]:
    if measured.keeps_state:
        yield (
            "the file keeps state from call to call, which the SavedModel does not (a fused LSTM): "
            "reset the interpreter's variables before each call, as was done here"
        )
    if not measured.quantized:
        yield (
            f"quantization {measured.quantization} changed nothing: no tensor became of that type "
            "(dynamic leaves weights of fewer than 1,024 values in float32)"
        )
    if measured.quantized and measured.bytes > measured.float32_bytes:
        yield (
            f"quantization {measured.quantization} made the file larger: {measured.bytes:,} bytes, "
            f"{measured.float32_bytes:,} without"
        )
    for each in measured.outputs:
        if each.agreement is None:
            yield f"output {each.name!r} decides nothing, so only its difference is judged"


def judged(measured: Measured, limits: Limits) -> Outcome:
    """Return the outcome: an error for each limit that does not hold."""
    reasons = tuple(
        Reason(severity="ERROR", subject=subject, kind=kind, text=text)
        for subject, kind, text in _errors(measured, limits)
    )
    return Outcome(
        step=STEP,
        passed=not reasons,
        reasons=reasons,
        notes=tuple(_notes(measured)),
        thresholds=asdict(limits),
    )
