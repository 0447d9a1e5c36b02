"""The KFP interface of ingest_data."""

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def ingest_data(
    data: str,
    examples: dsl.Output[dsl.Dataset],
    splits: str = "train=2,eval=1",
    key_column: str = "",
    time_column: str = "",
    query: str = "",
    column_types: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    separator: str = ",",
    examples_format: str = "parquet",
    span: str = "",
    span_files: list = [],  # noqa: B006
) -> None:
    """Read CSV, Parquet or TFRecord files, or a SQL query, into typed splits.

    Column types are inferred over all rows of all files; an empty string in CSV is missing.

    Args:
        data: Files or patterns, separated by commas; with "#sha256=..." the content is verified.
            With a query, the URI of a database without a password.
        splits: Names and weights of the splits, in order, as name=weight,...
        key_column: Column whose equal values stay in one split; empty hashes the whole row.
        time_column: Column by which splits become consecutive shares of time; empty for a hash.
        query: SQL that the database answers with the rows; empty for files.
        column_types: Column name -> string, int64, float64 or timestamp, where the type that
            would be found is not the right one, as in {"zip": "string"}.
        separator: Character between the values of CSV files, such as ; or tab.
        examples_format: parquet, or tfrecord for gzip TFRecord files of tf.Example.
        span: Which span the data is, for the metadata; empty without one.
        span_files: How many of the files, in their order, each span has, as resolve_span says:
            a span's rows begin files of their own, which an analyzer cache tells apart.

    Returns:
        examples: Files as split=<name>/part-*; columns, rows, span and fingerprint of the
            input in the metadata.
    """
    from dataclasses import asdict
    from pathlib import Path

    from kanaria.components.ingest.ingest import ingest
    from kanaria.components.shared.artifacts.metadata import described, rows

    result = ingest(
        data,
        Path(examples.path),
        splits=splits,
        key_column=key_column,
        time_column=time_column,
        query=query,
        column_types=column_types,
        separator=separator,
        examples_format=examples_format,
        span_files=span_files,
    )
    facts, count = {**asdict(result), "span": span}, rows(sum(result.rows.values()))
    examples.metadata.update(described("examples", facts, span, count))
