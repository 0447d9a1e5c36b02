"""Pipeline runs in Prometheus form, read from a KFP server or from the runs of this machine.

Rule: nothing here starts, changes or ends a run.
"""
