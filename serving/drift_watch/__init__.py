"""Tests the windows of served traffic, beside the server that receives it.

Rule: `window_runner` alone reads and writes the store, `verdict_delivery` alone sends; what is due,
what columns a window has and what its labels say is pure. The stored verdicts are all that the
server, its metrics and its reports know of it, so that every replica and every restart tell the
same.
"""
