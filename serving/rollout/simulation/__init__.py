"""Research: how policies fare over many simulated rollouts, in arrays.

Rule: nothing of Kanaria imports it but tests and benchmarks; it measures what the gates promise.
"""
