"""Detectors that test all features together, and see what features do together.

Rule: each gives one test named "" for all features, by permutation or by rows held out.
"""
