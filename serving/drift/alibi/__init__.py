"""Alibi Detect: its artefacts read and written without it, and itself for who may use it.

Rule: only `alibi_detect` imports it, where it computes and its licence was accepted.
"""
