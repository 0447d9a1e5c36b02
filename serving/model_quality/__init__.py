"""How good a model is on served rows: by labels that came later, or by its own probabilities.

Rule: all is pure but `judge_window`, which reads the payload log.
"""
