"""What a search of hyperparameters is asked for, and what it ended with, whoever runs its trials.

Rule: pure but for the writing of its files; KerasTuner is known to tune_model and
plan_katib_search alone, the cluster to run_katib_search alone.
"""
