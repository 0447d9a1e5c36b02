"""The databases behind a store: a SQLite file, or PostgreSQL.

Rule: a database knows nothing of exchanges, labels and windows but their tables. What its SQL has
of its own stays in its module; the texts that both understand lie where they are used. Parameters
are written `:name`.
"""
