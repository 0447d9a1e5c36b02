"""Evaluates a model on held-out rows, and judges it, alone and against the live one.

Rule: TFMA decides (metrics, slices, thresholds); this folder feeds it predictions and
explains its verdict. Everything taken from inside TFMA comes through `private_tfma`.
"""
