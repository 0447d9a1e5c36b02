"""The drift server's store: takes in KServe's payload log and labels, keeps them, gives them back.

A request, its response and its labels are joined to one exchange by their id. Nothing here tests,
judges or compares what it keeps.

Rule: `store_writer` alone writes the disk, `store_reader` alone reads it, `open_store` opens both,
`write_queue` alone decides when it is written; all else is pure. What was acknowledged is on the
disk, and applying an event twice, late or in another order changes nothing. `replay` asks a canary
again what the stable version was asked, in a process of its own.
"""
