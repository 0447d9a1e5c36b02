"""Serves InferenceService manifests on one machine, as KServe would, by local processes.

Rule: `revisions` decides and is pure; `store` is the only reader and writer of the state folder;
`controller` converges processes to what is decided; `router` forwards requests; `payload_log` and
`mirror` work beside it, and no client waits for them. A predictor is the real kserve model server
with a small model class; it alone loads TensorFlow.
"""
