"""What a person asks of a rollout: one checked YAML document, and the gates that follow from it.

Rule: only `rollout_policy.read` opens a file; the rest is pure.
"""
