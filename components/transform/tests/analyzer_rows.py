"""Rows for the analyzers of `analyzers_module.py`, and what a graph holds; for all engines."""

import gzip
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

MODULE = Path(__file__).with_name("analyzers_module.py")
SCHEMA = """
feature { name: "id" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "miles" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "carrier" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "hour" type: INT presence { min_count: 1 } }
feature { name: "score" type: FLOAT }
feature { name: "tags" type: BYTES }
feature { name: "never" type: BYTES }
"""
# One batch and one row, no row at all, and a file of a single row.
FILES = (1001, 0, 700, 1)
TYPES = pa.schema(
    {
        "id": pa.int64(),
        "miles": pa.float32(),
        "carrier": pa.string(),
        "hour": pa.int64(),
        "score": pa.list_(pa.float32()),
        "tags": pa.list_(pa.string()),
        "never": pa.null(),
    }
)
# Written anew with their own numbers: TensorFlow counts its functions through a process.
GRAPH = {"transform_fn/saved_model.pb", "transform_fn/fingerprint.pb"}


def row(draw: random.Random, number: int) -> dict[str, Any]:
    """Missing values, none and several a row, NaN, text outside ASCII, a key of one row."""
    carrier = draw.choices(["AA", "AB", "é", "x y", "日本", ""], range(1, 7))[0]
    return {
        "id": number,
        "miles": draw.uniform(0, 1e6 if draw.random() < 0.01 else 1000),
        "carrier": "only once" if number == 7 else carrier,
        "hour": None if draw.random() < 0.2 else draw.randrange(24),
        "score": [draw.choice([draw.gauss(0, 5), float("nan")]) for _ in range(draw.randrange(3))],
        "tags": [draw.choice(["a", "b", "é", "two\nlines", ""]) for _ in range(draw.randrange(4))],
    }


def schema() -> schema_pb2.Schema:
    return text_format.Parse(SCHEMA, schema_pb2.Schema())


def write(folder: Path, seed: int, sizes: Sequence[int] = FILES) -> dict[Path, int]:
    """Write files of rows that follow from the seed; return each with its number of rows."""
    draw, first, sizes_by_path = random.Random(seed), 0, {}
    for place, size in enumerate(sizes):
        path = folder / f"part-{place:05d}.parquet"
        rows = [row(draw, number) for number in range(first, first + size)]
        pq.write_table(pa.Table.from_pylist(rows, TYPES), path)
        sizes_by_path[path], first = size, first + size
    return sizes_by_path


def content(graph: Path) -> dict[str, bytes]:
    """Return name -> bytes of every file of a graph, unpacked."""
    contents = {}
    for path in graph.rglob("*"):
        if path.is_file():
            read = gzip.decompress if path.suffix == ".gz" else bytes
            contents[str(path.relative_to(graph))] = read(path.read_bytes())
    return contents
