"""InferenceService manifests: what a user says of a service, its faults, the plain dictionary.

Rule: pure; no Kubernetes client and no KServe model. Source: KServe 0.20,
`serving.kserve.io/v1beta1`.
"""
