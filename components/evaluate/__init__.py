"""Judges a model on held-out rows, alone and against the deployed one.

Rule: TFMA decides (metrics, slices, thresholds); this folder feeds it predictions and
explains its verdict. Everything taken from inside TFMA comes through `private_tfma`.
"""
