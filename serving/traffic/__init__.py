"""How traffic is shifted between revisions: one Protocol, one file a way.

Rule: callers know only `protocol.Traffic` and get one from `connect.connect`.
"""
