"""rollout_model: a pushed canary gets its traffic under control, until it is promoted or not.

Rule: what a rollout is stands in `kanaria.serving.rollout`; this step begins one, and is its
controller for as long as it waits.
"""
