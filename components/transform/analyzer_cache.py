"""The analyzers' states of a split's parts, kept in a folder or a bucket between runs.

A part is what one partition reads, so the states of all parts are merged as those of a run that
reads them: the results are equal to the last bit. A name tells all that an entry depends on, so
entries never go out of date, and whoever shares the folder may write the same one.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
import tfx_bsl

from kanaria.components import shared
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data.partitions import Partition
from kanaria.components.shared.engines import accumulate
from kanaria.components.shared.engines.accumulate import Engine, Pass
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import uri_files
from kanaria.components.shared.storage.parallel import each
from kanaria.components.transform import state_file_format
from kanaria.components.transform.state_file_format import DamagedError

LOGGER = logging.getLogger(__name__)
LIBRARIES = (np, pa, tf, tft, tfx_bsl)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The states of one part: what an engine reads, and the file that it writes."""

    partition: Partition
    target: Path


@dataclass(frozen=True, kw_only=True)
class AnalyzerCache:
    """Where states are kept.

    Attributes:
        uri: folder or URI of a store.
        scratch: folder beside the step's outputs, where new states are written first.
    """

    uri: str
    scratch: Path

    def states(
        self, engine: Engine, work: Pass, digest: str, partitions: Sequence[Partition]
    ) -> list[Any]:
        """Return what `engine.states` returns, reading only the parts that have no entry.

        Args:
            engine: where parts are read.
            work: the pass.
            digest: of all that the states depend on beside the rows.
            partitions: the parts of the split, in the order of the rows.

        Raises:
            NotReadyError: the store does not answer.
        """
        self.scratch.mkdir()
        names = _names(digest, partitions)
        entries = [
            Entry(partition=partition, target=self.scratch / name)
            for partition, name in zip(partitions, names, strict=True)
        ]
        are_stored = each(lambda entry: uri_files.exists(self._place(entry)), entries)
        pairs = zip(entries, are_stored, strict=True)
        missing = {entry.target: entry for entry, is_known in pairs if not is_known}
        LOGGER.info(
            "Analyzer cache %s: %d of %d parts are known, %d to read.",
            self.uri,
            sum(are_stored),
            len(entries),
            len(missing),
        )
        self._keep(engine, work, list(missing.values()))
        return accumulate.merged(work, self._read(engine, work, entries))

    def _place(self, entry: Entry) -> str:
        return uri_files.join(self.uri, entry.target.name)

    def _keep(self, engine: Engine, work: Pass, entries: Sequence[Entry]) -> None:
        engine.each(partial(_write, work), entries)
        each(lambda entry: uri_files.publish(entry.target, self._place(entry)), entries)

    def _read(self, engine: Engine, work: Pass, entries: Sequence[Entry]) -> Iterator[list[Any]]:
        for entry in entries:
            yield self._whole(engine, work, entry)
            entry.target.unlink(missing_ok=True)

    def _whole(self, engine: Engine, work: Pass, entry: Entry) -> list[Any]:
        if not entry.target.exists():  # It was not written just now.
            place = self._place(entry)
            try:
                return state_file_format.read(uri_files.fetched(place, self.scratch))
            except (DamagedError, DataError) as error:
                LOGGER.warning("%s: cannot be used (%s); its part is read again", place, error)
            entry.target.unlink(missing_ok=True)
            self._keep(engine, work, [entry])
        return state_file_format.read(entry.target)


def _write(work: Pass, entry: Entry) -> None:
    """Write the states of one part; runs where the engine does its work."""
    state_file_format.write(entry.target, accumulate.of_partition(work, entry.partition))


def _names(digest: str, partitions: Sequence[Partition]) -> list[str]:
    files = list(dict.fromkeys(partition.file for partition in partitions))
    content = dict(zip(files, each(fingerprint.of_file, files), strict=True))
    return [
        fingerprint.of_text(
            digest,
            content[partition.file],
            str(partition.groups),
            partition.schema.to_string(),
        )
        for partition in partitions
    ]


@cache
def program() -> str:
    """Return the digest of the program that works states out: Kanaria's code and libraries."""
    own = Path(__file__).parent
    folders = (own, *map(Path, shared.__path__))
    sources = {
        str(file.relative_to(folder.parent)): fingerprint.of_file(file)
        for folder in folders
        for file in folder.rglob("*.py")
        if "tests" not in file.parts
    }
    versions = [f"{library.__name__} {library.__version__}" for library in LIBRARIES]
    return fingerprint.of_text(fingerprint.of_files(sources), *versions, sys.version)
