"""Requests that name entities get their features, looked up in a feature store.

Rule: `feature_settings`, `feature_rows` and `store_answer` are pure; `lookup` alone asks the
feature server, by HTTP, so that no part of Feast is in what serves. `transformer` is the process
beside a predictor on a cluster; local serving calls `lookup` itself before its predictors.
"""
