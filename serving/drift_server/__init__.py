"""The drift server's process: takes payload events and labels, answers what was found of them.

Rule: `server` alone answers HTTP, and no test runs before an answer. What it is made of has rooms
of its own beside this one: `payload_log` keeps what arrives, `quality` judges it by labels,
`comparison` sets two versions side by side, `watching` tests windows in a process of its own.
"""
