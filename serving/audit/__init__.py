"""The audit trail of a service: who decided what, when and on which numbers, in a chain of hashes.

Rule: a trail knows nothing of rollouts or pushes; those who decide say what they decided. The form
of the chain is pure, each place where trails are kept is a module of its own.
"""
