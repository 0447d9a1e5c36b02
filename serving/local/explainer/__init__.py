"""Explanations on this machine: one process for all services, started by the first request.

Rule: `explainer_client` is the server's side; `explainer_process` alone loads SHAP. What it asks
predictors goes past the router, which counts, copies and logs users' requests.
"""
