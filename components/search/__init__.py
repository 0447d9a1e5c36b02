"""run_katib_search: an Experiment of Katib is created, watched to its end, and read.

Rule: the plan says what Katib's answer means; only `experiment_watch` talks to the cluster.
"""
