"""Runs a compiled pipeline on this machine: each task in its runtime, reused by content.

Rule: reads the compiled YAML and never imports kfp. `plan`, `condition` and `cache.key` are
pure; `step` starts processes; `run` is the loop.
"""
