"""Compares what two versions of a service answer: rows by class, pairs, disagreements, labels.

Rule: `comparisons` alone reads the store, as far as it has not read it before; all else is pure. A
comparison is kept in memory and nowhere else: after a restart it is made of the store again.
"""
