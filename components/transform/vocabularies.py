"""What TFT's analysis does with the tokens of a vocabulary once they are counted.

An entry is (value, token): value is a count, a weight or (information, frequency), tokens are
bytes or, until they are pruned, integers.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from kanaria.components.transform.private_tft import analyzers

Entry = tuple[Any, Any]


def _passes(value: Any, frequency: float, information: float) -> bool:
    informativeness, count = value if isinstance(value, tuple) else (float("inf"), value)
    return bool(count >= frequency and informativeness >= information)


def _frequent(
    entries: Iterable[Entry], frequency: float, information: float, text: bool
) -> Iterable[Entry]:
    """Yield the entries above both thresholds, with one number for a value and bytes as token."""
    is_limited = frequency > 0 or information > float("-inf")
    for value, token in entries:
        if not is_limited or _passes(value, frequency, information):
            number = value[0] if isinstance(value, tuple) else value
            yield number, token if text else str(token).encode()


def _top(entries: Iterable[Entry], top_k: int | None, dtype: str) -> list[Entry]:
    if top_k is None:
        return list(entries)
    return or_dummy(heapq.nlargest(top_k, entries), dtype)


def _covered(
    entries: Iterable[Entry], top_k: int | None, key_fn: Callable[[bytes], Any]
) -> list[Entry]:
    """Return the largest `top_k` entries of each key."""
    if top_k is None:
        return list(entries)
    by_key: dict[Any, list[Entry]] = {}
    for value, token in entries:
        by_key.setdefault(key_fn(token), []).append((value, token))
    return [entry for of_key in by_key.values() for entry in heapq.nlargest(top_k, of_key)]


def or_dummy(entries: list[Entry], dtype: str) -> list[Entry]:
    """Return the entries, or TFT's dummy where there are none: no lookup table may be empty."""
    return entries or [analyzers.get_empy_vocabulary_dummy_value(dtype)]


def pruned(operation: Any, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that a VocabularyPrune keeps, values one number, tokens bytes."""
    dtype = operation.input_dtype
    is_text = dtype == tf.string.name
    limits = (operation.frequency_threshold, operation.informativeness_threshold)
    top = _top(_frequent(entries, *limits, is_text), operation.top_k, dtype)
    if not operation.key_fn:
        return top
    limits = (
        operation.coverage_frequency_threshold,
        operation.coverage_informativeness_threshold,
    )
    frequent = _frequent(entries, *limits, is_text)
    covered = _covered(frequent, operation.coverage_top_k, operation.key_fn)
    return list(dict.fromkeys(top + covered))


def _by_fingerprint(entry: Entry) -> bytes:
    return hashlib.sha1(entry[1]).digest()  # noqa: S324  It shuffles, as TFT does.


def _ordered(operation: Any, entries: list[Entry], reserved: Sequence[bytes]) -> list[Entry]:
    """Return the entries in the order of a VocabularyOrderAndWrite, reserved tokens first."""
    if operation.input_is_sorted and not len(reserved):
        return entries
    reserved_tokens = set(reserved)
    others = [entry for entry in entries if entry[1] not in reserved_tokens]
    if operation.fingerprint_shuffle:
        others.sort(key=_by_fingerprint)
    else:
        others.sort(reverse=True)
    return or_dummy([(-1, token) for token in reserved] + others, operation.input_dtype)


def _line(operation: Any, entry: Entry) -> bytes:
    value, token = entry
    if not operation.store_frequency:
        return bytes(token)
    return tf.compat.as_bytes(f"{value} {tf.compat.as_str_any(token)}")


def write(operation: Any, entries: list[Entry], reserved: Sequence[bytes], folder: Path) -> Path:
    """Write the file of a VocabularyOrderAndWrite, one token a line or record.

    Args:
        operation: TFT's operation.
        entries: what is left after pruning.
        reserved: tokens that stand first, in this order; or none.
        folder: where the file, named by the operation, is written.
    """
    lines = [_line(operation, entry) for entry in _ordered(operation, entries, reserved)]
    path = folder / operation.vocab_filename
    if operation.file_format == "text":
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path
    path = path.with_name(f"{path.name}.tfrecord.gz")
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for line in lines:
            writer.write(line)
    return path
