"""Layout of the examples artifact: `split=<name>/part-*` in Parquet or TFRecord of tf.Example.

A step that reads examples finds the format by the names of the files; none is told.
"""

from enum import StrEnum
from pathlib import Path

from kanaria.components.shared.errors import DataError, shown

PREFIX = "split="


class ExamplesFormat(StrEnum):
    """How the rows of a split are written.

    value      files                    read by
    parquet    part-*.parquet           fn_args.data_accessor, Arrow
    tfrecord   part-*.tfrecord.gz       also tf.data.TFRecordDataset and tf.io.parse_example
    """

    PARQUET = "parquet"
    TFRECORD = "tfrecord"

    @property
    def ending(self) -> str:
        """How the name of a file of this format ends."""
        return ".parquet" if self is ExamplesFormat.PARQUET else ".tfrecord.gz"


def split_folder(examples: str | Path, split: str) -> Path:
    """Return the folder that holds the files of `split`."""
    return Path(examples) / f"{PREFIX}{split}"


def split_names(examples: str | Path) -> list[str]:
    """Return the sorted names of the splits in the artifact."""
    folders = Path(examples).glob(f"{PREFIX}*")
    return sorted(folder.name.removeprefix(PREFIX) for folder in folders if folder.is_dir())


def split_files(examples: str | Path, split: str) -> list[Path]:
    """Return the sorted files of `split`, all of one format.

    Raises:
        DataError: the artifact has no such split, or the split has no files.
    """
    folder = split_folder(examples, split)
    files = sorted(file for kind in ExamplesFormat for file in folder.glob(f"part-*{kind.ending}"))
    if not files:
        names = ", ".join(split_names(examples)) or "none"
        raise DataError(f"{examples}: no split {shown(split)}; it has: {names}")
    return files


def format_of(file: Path) -> ExamplesFormat:
    """Return the format of one file of a split, by its name."""
    is_tfrecord = file.name.endswith(ExamplesFormat.TFRECORD.ending)
    return ExamplesFormat.TFRECORD if is_tfrecord else ExamplesFormat.PARQUET


def split_pattern(examples: str | Path, split: str) -> str:
    """Return the pattern that matches the files of `split` and nothing else in its folder.

    Raises:
        DataError: the artifact has no such split, or the split has no files.
    """
    kind = format_of(split_files(examples, split)[0])
    return str(split_folder(examples, split) / f"part-*{kind.ending}")


NOT_MATERIALIZED = "NOT_MATERIALIZED"
"""Marker file of a transformed examples artifact without rows: KFP uploads no empty folder."""


def is_materialized(examples: str | Path) -> bool:
    """Tell whether a transformed examples artifact holds rows."""
    return not (Path(examples) / NOT_MATERIALIZED).exists()
