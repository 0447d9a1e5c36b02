"""Where predictions go: a folder of Parquet files, or a table of PostgreSQL.

Rule: a chunk is there whole and once, or not at all, whenever the process is killed; what is
there says of which release, data and settings it is.
"""
