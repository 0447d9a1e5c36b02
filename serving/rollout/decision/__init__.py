"""Where a rollout stands and what follows: `decide`, a person's commands, the record of both.

Rule: pure, from values to values; nothing here calls a network, a cluster or a clock.
"""
