"""rollout_model: a pushed canary gets its traffic under control, until it is promoted or not.

promote_model does so with what is staged, in a person's name.

Rule: what a rollout is stands in `kanaria.serving.rollout`; a step begins one, and is its
controller for as long as it waits.
"""
