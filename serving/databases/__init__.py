"""The databases behind every store: a SQLite file, or PostgreSQL.

Rule: a database knows no table. What its SQL has of its own stays in its module; the texts that
both understand lie where they are used. Parameters are written `:name`.
"""
