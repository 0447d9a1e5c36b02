"""Runs rollouts: reads the world, lets `decide` decide, records it, and then makes it true.

Rule: what is desired is recorded first, by compare-and-swap, and only then done; doing it is
idempotent. So a controller may die at any moment, and two of them cannot disagree.
"""
