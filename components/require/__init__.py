"""require_passed: the gate that fails a run with the reasons of an outcome.

Rule: light, and shut when in doubt.
"""
