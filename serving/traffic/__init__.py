"""How traffic is shifted between revisions: one Protocol, one file a way.

Rule: callers know only `traffic_protocol.Traffic` and get one from `find_traffic.connect`.
"""
