"""From the outside world to an `Observation`: what a rollout sees of both revisions.

Rule: a source reads raw values and never judges or raises for a world that does not answer;
`between_readings` makes one interval of them and is pure. A query is data, in `queries.yaml`.
"""
