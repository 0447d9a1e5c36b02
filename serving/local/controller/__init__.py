"""Makes processes and status follow the applied manifests.

Rule: `reconcile` and `revision_shares` decide and are pure; `service_controller` converges.
"""
