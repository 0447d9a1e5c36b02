"""ingest_data: CSV and Parquet files become typed Parquet, one folder a split.

Rule: Arrow and the standard library only, so that the step starts without TensorFlow. A whole
table is held in memory.
"""
