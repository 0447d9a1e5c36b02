"""Serves InferenceService manifests on one machine, as KServe would, by local processes.

Rule: `revisions` decides and is pure; `store` is the only reader and writer of the state folder;
`controller` converges processes to what is decided; `router` forwards requests; `payload_log` and
`mirror` work beside it, and no client waits for them. `predict_api` and `inference_protocol` read
and write the bodies and are pure; `predictor`, `saved_model` and `answering` are the process that
answers, which alone loads TensorFlow.
"""
