"""Makes a user's repository: the files of this package with names put in, and nothing generated.

A file's name ends in `.template`, and so does that of the folder of tests, so that no tool of ours
takes them for code or for tests, or leaves them out of an image. A leading dot is written `dot_`,
since the globs of package data do not see hidden files.
"""
