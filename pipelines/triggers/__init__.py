"""Starts the runs that triggers ask for: on this machine, or on a server of Kubeflow Pipelines.

Rule: a run has the name that its order says, and is looked for by it; what decides whether one
begins is `kanaria.serving.triggers`.
"""
