"""Runs and releases in MLflow, by its REST interface: no package of it is installed.

Rule: `mlflow_client` alone speaks to the server, what is sent is worked out by pure functions, and
everything that is made there is looked for first, so that whoever does it again makes it once.
"""
