"""Receives and keeps KServe's payload log, and joins it with labels that come later.

Rule: `store` alone writes the disk, `reading` alone reads it, `opening` opens both, `intake` alone
decides when it is written, `server` alone answers HTTP; all else is pure. What was acknowledged is
on the disk, and applying an event twice, late or in another order changes nothing. `watching` tests
what is kept, and `replay` asks a canary the same again, each in a process of its own.
"""
