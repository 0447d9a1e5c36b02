"""The KFP interface of ingest_data."""

from kfp import dsl

from kanaria.components.shared.images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def ingest_data(
    data: str,
    examples: dsl.Output[dsl.Dataset],
    splits: str = "train=2,eval=1",
    key_column: str = "",
    time_column: str = "",
) -> None:
    """Read CSV or Parquet files into typed Parquet, one folder a split.

    Column types are inferred over all rows of all files; an empty string is missing.

    Args:
        data: Files or patterns, separated by commas; with "#sha256=..." the content is verified.
        splits: Names and weights of the splits, in order, as name=weight,...
        key_column: Column whose equal values stay in one split; empty hashes the whole row.
        time_column: Column by which splits become consecutive shares of time; empty for a hash.

    Returns:
        examples: Parquet files as split=<name>/part-*.parquet; columns, rows and fingerprint
            of the input in the metadata.
    """
    from dataclasses import asdict
    from pathlib import Path

    from kanaria.components.ingest.ingest import ingest
    from kanaria.components.shared.metadata import plain

    result = ingest(
        data, Path(examples.path), splits=splits, key_column=key_column, time_column=time_column
    )
    examples.metadata.update(plain(asdict(result)))
