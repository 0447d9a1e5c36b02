"""The watching process: tests each window of served traffic for drift, as `watch.yaml` says.

The detectors themselves lie in `drift`; here lies when which of them looks at which rows of the
payload log, where its verdict is kept, and whom it is sent to.

Rule: `window_runner` alone reads and writes the store, `verdict_delivery` alone sends; what is due,
what columns a window has and what its labels say is pure. The stored verdicts are all that the
server, its metrics and its reports know of it, so that every replica and every restart tell the
same.
"""
