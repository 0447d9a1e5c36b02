"""Makes a user's repository: the files of this package with names put in, and nothing generated.

A file's name ends in `.template`, so that no tool of ours takes it for code or for a test, and a
leading dot is written `dot_`, since the globs of package data do not see hidden files.
"""
