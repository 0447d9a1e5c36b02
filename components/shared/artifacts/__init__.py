"""What steps leave for each other and for people: metadata, verdicts, releases, formats.

Rule: documents and their meaning; bytes and places are those of `storage`.
"""
