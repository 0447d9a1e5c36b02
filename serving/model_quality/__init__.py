"""How good one version of a model is on served rows: accuracy, error, calibration, with intervals.

By labels that came later, or, before any came, by the model's own probabilities.

Rule: all is pure but `judge_window`, which reads the payload log.
"""
