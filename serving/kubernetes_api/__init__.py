"""The Kubernetes API server: which cluster, what is asked of it, and what comes of it.

Rule: nothing else of Kanaria imports the library `kubernetes`.
"""
