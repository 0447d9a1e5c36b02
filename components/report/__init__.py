"""report_run: says, as a run's exit handler, how it ended and why.

Rule: it never fails by what it finds; what cannot be read or sent is said.
"""
