"""Pipelines made of the steps, the runner that runs them here, and the command line.

Rule: the top of the house; nothing else imports it.
"""
