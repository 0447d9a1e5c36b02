"""Detectors of a classifier's answers, whatever its inputs are.

Rule: each makes features of the probabilities, and tests them as a table.
"""
