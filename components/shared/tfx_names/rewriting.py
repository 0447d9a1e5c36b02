"""TFX's `rewriting`: a SavedModel as TFLite, beside the SavedModel that Kanaria serves."""

import enum
import importlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TFLITE_REWRITER = "TFLiteRewriter"


class ModelType(enum.Enum):
    """What `rewrite_saved_model` makes."""

    SAVED_MODEL = 2
    TFLITE_MODEL = 3


@dataclass(frozen=True)
class TFLiteRewriter:
    """Settings of `tf.lite.TFLiteConverter`.

    Attributes:
        name: for the reader.
        filename: name of the file to write.
        quantization_optimizations: `tf.lite.Optimize` values; none for float32.
        quantization_supported_types: types of the quantized weights.
        quantization_enable_full_integer: whether operations are int8 only.
        signature_key: signature to convert; `serving_default` when not given.
        representative_dataset: inputs by which ranges are found.
    """

    name: str
    filename: str = "tflite"
    quantization_optimizations: Sequence[Any] = ()
    quantization_supported_types: Sequence[Any] = ()
    quantization_enable_full_integer: bool = False
    signature_key: str | None = None
    representative_dataset: Iterable[Any] | None = None

    def converted(self, saved_model: Path) -> bytes:
        """Return the SavedModel in TFLite's format."""
        lite = importlib.import_module("tensorflow").lite
        converter = lite.TFLiteConverter.from_saved_model(
            str(saved_model), signature_keys=[self.signature_key or "serving_default"]
        )
        converter.optimizations = list(self.quantization_optimizations)
        converter.target_spec.supported_types = list(self.quantization_supported_types)
        if self.quantization_enable_full_integer:
            converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
        data = self.representative_dataset
        if data is not None:
            converter.representative_dataset = data if callable(data) else lambda: iter(data)
        return bytes(converter.convert())


def create_rewriter(rewriter_type: str, *arguments: Any, **named: Any) -> TFLiteRewriter:
    """Return a rewriter with these settings.

    Raises:
        ValueError: the type is another than TFLite.
    """
    if rewriter_type.lower() != TFLITE_REWRITER.lower():
        raise ValueError(f"rewriter_type={rewriter_type!r}: only {TFLITE_REWRITER!r} is here")
    return TFLiteRewriter(*arguments, **named)


def rewrite_saved_model(
    original_model_path: str,
    rewritten_model_path: str,
    rewriter_inst: TFLiteRewriter,
    rewritten_model_type: ModelType = ModelType.TFLITE_MODEL,
) -> None:
    """Write the converted model, and a copy of the SavedModel beside it.

    TFX leaves the copy out. Here it is what is checked, evaluated and served.

    Raises:
        ValueError: another format than TFLite is asked for.
    """
    if rewritten_model_type is not ModelType.TFLITE_MODEL:
        raise ValueError(f"rewritten_model_type={rewritten_model_type}: only TFLITE_MODEL is here")
    source, target = Path(original_model_path), Path(rewritten_model_path)
    converted = rewriter_inst.converted(source)
    if source.resolve() != target.resolve():
        shutil.copytree(source, target, dirs_exist_ok=True)
    (target / rewriter_inst.filename).write_bytes(converted)
