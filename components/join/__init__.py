"""The steps that reach a feature store (Feast): training rows out of it, served values into it.

Rule: `feature_repo`, `feature_source` and `materialize` import feast; the rest is pure, and the
ordinary suites test it.
"""
