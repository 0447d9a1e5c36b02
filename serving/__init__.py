"""Delivery: InferenceService manifests, traffic, and serving on one machine.

Rule: no kfp here, and nothing of the steps but `kanaria.components.shared`.
"""
