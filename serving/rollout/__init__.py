"""What a rollout decides: policy, counters, gates and `decide`, from values to values.

Rule: nothing here calls a network, a cluster or a clock; time is part of what is observed. Only
`policy.read` opens a file, only the sources in `observations` look at the world, and only
`control` acts on it. A person's commands are values too, so a record replays.
"""
