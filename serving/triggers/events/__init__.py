"""What others send, read as events: one file a sender. Pure.

Rule: an event's key is the same for every delivery of one happening, and no other has it.
"""
