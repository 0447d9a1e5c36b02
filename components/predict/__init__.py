"""predict_batch: rows scored by a release into Parquet files or a PostgreSQL table, in chunks.

Rule: rows come from the readers of `kanaria.components.ingest` and are compared for drift by
`kanaria.components.detect`, so that a row means the same to training, to drift and here.
"""
