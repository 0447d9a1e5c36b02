"""Serving samples: what train_model writes of a model, so that push_model can check it live.

    signature.json   inputs and outputs of `serving_default`, and the schema's features
    samples.jsonl    one eval row a line: {"inputs": {name: value}, "outputs": {name: value}}
    background.jsonl one training row a line: {name: value}; explanations compare with these

Values are JSON as TensorFlow Serving takes them: numbers, text, lists of these, and
{"b64": text} for bytes that are no UTF-8. A row whose inputs hold NaN or infinity has no such
form and is not among the samples; a training row holds them as the tokens NaN and Infinity, which
TensorFlow Serving takes. The files lie outside the model, whose fingerprint names it.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import atomic

SIGNATURE, SAMPLES, BACKGROUND = "signature.json", "samples.jsonl", "background.jsonl"
FORMAT = DocumentFormat()
"""Of both files; the number stands in the first."""
Row = Mapping[str, Any]
"""Name of an input or output -> its value in one row, as JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """An input or output of a signature.

    Attributes:
        dtype: TensorFlow's name of it, for instance "float32" or "string".
        shape: with the batch first and None for a free size; None when the rank is free too.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """A raw feature of the schema: "INT", "FLOAT" or "BYTES"; values a row, None if not fixed."""

    type: str
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One row: what a request holds, and what the model answered when it was trained."""

    inputs: Row
    outputs: Row


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingSamples:
    """What is known of a model's `serving_default`.

    Attributes:
        inputs: name -> input of the signature.
        outputs: name -> output of the signature.
        features: name -> feature of the schema the model was trained under.
        rows: eval rows and the model's answers.
        background: training rows; none where `serving_default` takes no features by name.
        matrix: name of the one tensor that a request holds all inputs in, in their order; "" where
            each input has its own name there.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    features: Mapping[str, Feature] = field(default_factory=dict)
    rows: Sequence[Sample] = ()
    background: Sequence[Row] = ()
    matrix: str = ""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The inputs as a request has them, by name."""
        if not self.matrix:
            return self.inputs
        dtype = next(iter(self.inputs.values())).dtype
        return {self.matrix: Tensor(dtype=dtype, shape=None)}


def as_json(value: Any) -> Any:
    """Return a value of one row, or a nested list of values, as JSON; bytes become text."""
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode("ascii")}


def write(samples: ServingSamples, folder: str | Path) -> None:
    """Write the samples into a new artifact folder, atomically.

    Raises:
        ValueError: a value is not finite.
    """
    parts = ("inputs", "outputs", "features")
    signature: dict[str, Any] = {
        part: {name: asdict(tensor) for name, tensor in getattr(samples, part).items()}
        for part in parts
    }
    signature |= {"matrix": samples.matrix} if samples.matrix else {}
    with atomic.published(folder) as temporary:
        temporary.mkdir()
        (temporary / SIGNATURE).write_text(
            json.dumps(FORMAT.numbered(signature), indent=1), encoding="utf-8"
        )
        lines = _lines(samples.rows)
        (temporary / SAMPLES).write_text("".join(lines), encoding="utf-8")
        if samples.background:
            lines = [f"{json.dumps(row)}\n" for row in samples.background]
            (temporary / BACKGROUND).write_text("".join(lines), encoding="utf-8")


def _lines(rows: Iterable[Sample]) -> list[str]:
    return [f"{json.dumps(asdict(row), allow_nan=False)}\n" for row in rows]


def read(folder: str | Path) -> ServingSamples:
    """Read a samples artifact.

    Raises:
        DataError: the folder holds none, or one that does not parse.
    """
    path = Path(folder) / SIGNATURE
    try:
        signature = signature_in(path.read_text(encoding="utf-8"), str(path))
        path = Path(folder) / SAMPLES
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = tuple(Sample(**json.loads(line)) for line in lines)
        path = Path(folder) / BACKGROUND
        background = background_rows(path.read_text("utf-8")) if path.exists() else ()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path}: no readable serving samples ({shown(error)}); take them from train_model"
        ) from error
    return replace(signature, rows=rows, background=background)


def signature_in(text: str, where: str) -> ServingSamples:
    """Return what signature.json says, without rows.

    Args:
        text: of the file.
        where: it is from, for messages.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    raw = FORMAT.current(json.loads(text), where)
    return ServingSamples(
        inputs=_tensors(raw["inputs"]),
        outputs=_tensors(raw["outputs"]),
        features={name: Feature(**kind) for name, kind in raw["features"].items()},
        matrix=str(raw.get("matrix", "")),
    )


def background_rows(text: str) -> tuple[Row, ...]:
    """Return the rows of background.jsonl.

    Raises:
        ValueError: a line is no JSON object.
    """
    rows = [json.loads(line) for line in text.splitlines()]
    wrong = [row for row in rows if not isinstance(row, dict)]
    if wrong:
        raise ValueError(f"{shown(wrong[0])} is no row")
    return tuple(rows)


def _tensors(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    shapes = {name: tensor["shape"] for name, tensor in raw.items()}
    return {
        name: Tensor(
            dtype=tensor["dtype"], shape=None if shapes[name] is None else tuple(shapes[name])
        )
        for name, tensor in raw.items()
    }
