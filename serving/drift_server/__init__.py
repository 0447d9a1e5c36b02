"""The drift server's process: takes payload events and labels, answers what was found of them.

Rule: `http_routes` alone answers HTTP, and no test runs before an answer. What it is made of has
rooms of its own beside this one, each importing only those below it:

    room                 its job
    ------------------   -------------------------------------------------------------------
    drift_watch          test windows of the traffic, in a process of its own; keep verdicts
    version_comparison   set what two versions answered side by side
    model_quality        judge one version by labels, or by its own probabilities
    payload_log          the store: take events and labels, keep them, give them back
    drift                the detectors and their reports; no server, no store
"""
