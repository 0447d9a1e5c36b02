"""Where the batches of a step are read, and how what was accumulated from them is merged.

Rule: an engine knows nothing of statistics, analyzers or metrics; a step knows nothing of
processes or clusters. They meet in `accumulate`. An engine's library is imported in its own module
when that engine is used, never before.
"""
