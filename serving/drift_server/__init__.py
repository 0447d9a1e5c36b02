"""Receives and keeps KServe's payload log, and joins it with labels that come later.

Rule: `events`, `payloads`, `labels`, `windows` and `quality` are pure. `store` alone touches the
disk, `intake` alone decides when it is written, `server` alone speaks HTTP. What was acknowledged
is on the disk; applying an event twice, late or in another order changes nothing.
"""
