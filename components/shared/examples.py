"""Layout of the examples artifact: `split=<name>/part-*.parquet`."""

from pathlib import Path

from kanaria.components.shared.errors import DataError, shown

PREFIX = "split="


def split_folder(examples: str | Path, split: str) -> Path:
    """Return the folder that holds the Parquet files of `split`."""
    return Path(examples) / f"{PREFIX}{split}"


def split_names(examples: str | Path) -> list[str]:
    """Return the sorted names of the splits in the artifact."""
    found = Path(examples).glob(f"{PREFIX}*")
    return sorted(folder.name.removeprefix(PREFIX) for folder in found if folder.is_dir())


def split_files(examples: str | Path, split: str) -> list[Path]:
    """Return the sorted Parquet files of `split`.

    Raises:
        DataError: the artifact has no such split, or the split has no files.
    """
    files = sorted(split_folder(examples, split).glob("part-*.parquet"))
    if not files:
        known = ", ".join(split_names(examples)) or "none"
        raise DataError(f"{examples}: no split {shown(split)}; it has: {known}")
    return files


NOT_MATERIALIZED = "NOT_MATERIALIZED"
"""Marker file of a transformed examples artifact without rows: KFP uploads no empty folder."""


def is_materialized(examples: str | Path) -> bool:
    """Tell whether a transformed examples artifact holds rows."""
    return not (Path(examples) / NOT_MATERIALIZED).exists()
