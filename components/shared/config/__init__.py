"""What users write: YAML, mappings with keys of their own, and all faults of them at once.

Rule: pure, but for reading a file that the user named.
"""
