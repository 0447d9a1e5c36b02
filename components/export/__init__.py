"""export_lite: a signature of a SavedModel becomes a LiteRT file that was run on eval rows.

Rule: nothing is judged that was not invoked, by the interpreter that devices have.
"""
