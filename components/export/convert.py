"""A SavedModel's signature as a LiteRT file; what cannot be converted is named."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import tensorflow as tf

from kanaria.components.export.private_lite import ConverterError
from kanaria.components.export.signature import Arrays, Signature
from kanaria.components.shared import exception_cause
from kanaria.components.shared.errors import DataError

Rows = Callable[[], Iterator[Arrays]]
"""Gives rows to measure ranges on, one call's arguments after the other."""
OPERATION = re.compile(r"'(tf\.\w+)'")
BEHIND = (
    "sign a second signature behind what makes it, as export_model(transformed_signature=...) "
    "does, and name it as `signature`"
)
REMEDIES = (
    (r"tensor<[^>]*f64", "LiteRT has float64 for few operations: cast to float32 before it"),
    (
        r"tf\.HashTableV2",
        "LiteRT has tables of text to int64 and of int64 to text alone: make the table so, or "
        f"{BEHIND}",
    ),
    (r"bf16", "LiteRT has no bfloat16: cast to float32 before it"),
    (
        r"element_shape to be static",
        "LiteRT needs a fixed number of rows in a loop: sign the inputs with 1 row, or unroll it",
    ),
)
"""What a message of the converter holds -> what helps; the first that fits."""
MOST_OPERATIONS = 8
MOST_TEXT = 300


class Quantization(StrEnum):
    """How weights and activations are kept.

    value      weights                       activations        rows needed
    none       float32                       float32            no
    float16    float16                       float32            no
    dynamic    int8 from 1,024 values on     float32            no
    int8       int8                          int8, by ranges    yes
    """

    NONE = "none"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"
    INT8 = "int8"

    @property
    def tensor_type(self) -> str:
        """Name the type that some tensors of a file have that is quantized so."""
        return {"none": "float32", "float16": "float16"}.get(self.value, "int8")


def _converter(signature: Signature, quantization: Quantization, rows: Rows) -> Any:
    converter: Any = tf.lite.TFLiteConverter.from_saved_model(
        str(signature.folder), signature_keys=[signature.name]
    )
    if quantization is not Quantization.NONE:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization is Quantization.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if quantization is Quantization.INT8:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = rows
    return converter


def no_rows() -> Iterator[Arrays]:
    """Yield nothing, which all but int8 do with."""
    return iter(())


def converted(signature: Signature, quantization: Quantization, rows: Rows = no_rows) -> bytes:
    """Return the signature in LiteRT's format, made of its built-in operations alone.

    Args:
        signature: to convert.
        quantization: of weights and activations.
        rows: asked for int8 alone.

    Raises:
        DataError: the converter refuses it; the operations are named, and what to do.
    """
    try:
        return bytes(_converter(signature, quantization, rows).convert())
    except (ConverterError, RuntimeError, TypeError, ValueError, tf.errors.OpError) as error:
        raise DataError(
            f"{signature.where}: cannot be converted with quantization {quantization}: "
            f"{reason(error)}"
        ) from error


def reason(error: Exception) -> str:
    """Return what the converter did not convert, and the remedy, on one line."""
    text = str(error)
    operations = list(dict.fromkeys(OPERATION.findall(text)))
    remedies = [remedy for pattern, remedy in REMEDIES if re.search(pattern, text)]
    if not operations:
        cause = exception_cause.message(error)[:MOST_TEXT]
        return "; ".join([f"{type(error).__name__}: {cause}", *remedies[:1]])
    names = ", ".join(operations[:MOST_OPERATIONS])
    more = len(operations) - MOST_OPERATIONS
    return (
        f"LiteRT does not have {names}"
        + (f" and {more} more" if more > 0 else "")
        + (f"; {(remedies or [BEHIND])[0]}")
    )
