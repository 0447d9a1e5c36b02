"""Receives and keeps KServe's payload log, and joins it with labels that come later.

Rule: `store_writer` alone writes the disk, `store_reader` alone reads it, `open_store` opens both,
`intake` alone decides when it is written; all else is pure. What was acknowledged is on the disk,
and applying an event twice, late or in another order changes nothing. `replay` asks a canary again
what the stable version was asked, in a process of its own.
"""
