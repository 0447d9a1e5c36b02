r"""What MLflow takes: names of keys, lengths of values, sizes of batches. Pure.

Source: `mlflow.utils.validation` 3.17: keys match `[/\w.\- :]*`, are a path in its shortest form
and have 250 characters at most; a parameter's value has 6,000; a request logs 100 parameters, 100
tags, 1,000 metrics and 1,000 of all, in 1,000,000 bytes. A tag's value may be cut at 5,000 by some
databases.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LONGEST_KEY = 250
LONGEST_PARAMETER, LONGEST_TAG, LONGEST_VERSION_TAG = 6_000, 5_000, 5_000
MOST = {"params": 100, "tags": 100, "metrics": 1_000}
MOST_IN_ALL = 1_000
MOST_BYTES = 900_000
REFUSED = re.compile(r"[^/\w.\- :]")
FURTHER = 8
"""Characters that are left free for a number behind two keys that would be one."""


def keys(names: Iterable[str]) -> dict[str, str]:
    """Return name -> the key that MLflow takes for it; no two names have the same.

    The same names in the same order give the same keys.
    """
    key_of: dict[str, str] = {}
    owners: set[str] = set()
    for name in names:
        plain = _plain(name)
        key, number = plain, 1
        while key in owners:
            number += 1
            key = f"{plain} {number}"
        owners.add(key)
        key_of[name] = key
    return key_of


def _plain(name: str) -> str:
    key = REFUSED.sub("_", name.replace("=", ":")).strip() or "_"
    key = key[: LONGEST_KEY - FURTHER].strip()
    norm = posixpath.normpath(key)
    if norm != key or norm == "." or norm.startswith(("..", "/")):
        key = key.replace("/", "_").strip(".") or "_"
    return key


def cut(text: str, longest: int) -> str:
    """Return the text, cut where it is too long, which is seen."""
    if len(text) <= longest:
        return text
    end = f"… ({len(text)} characters)"
    return text[: longest - len(end)] + end


def batches(
    params: Mapping[str, str],
    metrics: Iterable[Mapping[str, Any]],
    tags: Mapping[str, str],
) -> Iterator[dict[str, list[Mapping[str, Any]]]]:
    """Yield bodies of `runs/log-batch`, each within the limits; none where there is nothing.

    Args:
        params: key -> value.
        metrics: as MLflow has them: key, value, timestamp, step.
        tags: key -> value.
    """
    entities: list[tuple[str, Mapping[str, Any]]] = [
        *(("params", {"key": key, "value": value}) for key, value in params.items()),
        *(("metrics", metric) for metric in metrics),
        *(("tags", {"key": key, "value": value}) for key, value in tags.items()),
    ]
    batch: dict[str, list[Mapping[str, Any]]] = {}
    size = 0
    for kind, entity in entities:
        length = len(json.dumps(entity)) + 2
        is_full = (
            len(batch.get(kind, ())) >= MOST[kind] or sum(map(len, batch.values())) >= MOST_IN_ALL
        )
        if batch and (is_full or size + length > MOST_BYTES):
            yield batch
            batch, size = {}, 0
        batch.setdefault(kind, []).append(entity)
        size += length
    if batch:
        yield batch
