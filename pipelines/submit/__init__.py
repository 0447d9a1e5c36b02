"""Sends pipelines to a Kubeflow Pipelines server: runs, schedules, their files.

Rule: `server.py` alone talks to kfp's client; what is decided is decided in pure functions beside
it. Everything is checked before anything is uploaded.
"""
