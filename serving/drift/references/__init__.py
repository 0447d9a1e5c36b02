"""What detectors keep of the reference rows: one form a file.

Rule: a reference is independent of the order of its rows, is merged with another one into that of
all rows, and becomes arrays and comes from them again.
"""
