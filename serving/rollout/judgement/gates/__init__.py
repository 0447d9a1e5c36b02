"""What judges a canary: one gate a file, each with its promised error rate.

Rule: a gate turns observations into evidence and evidence into a finding; it never decides alone.
"""
