"""join_features, materialize_features: rows out of a feature store, values into its online one.

Rule: `entity_rows`, `point_in_time` and `times` are pure, and the ordinary suites test them; the
rest reaches Feast.
"""
