"""Pages that a person reads: one file each, whole without a network, readable without scripts.

Nothing here knows what a page is about. Text that came with data is escaped where it is written.
"""
