"""Detectors that test one feature after the other, all of them under one correction.

Rule: `feature_tests` makes the result of a window from its features' tests; a detector only says
how one feature is tested.
"""
