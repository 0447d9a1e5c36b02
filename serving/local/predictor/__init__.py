"""The processes that answer: one a revision, forked from a host that has imported TensorFlow.

Rule: `predictor_process`, `saved_model` and `http_api` are the process that answers, and alone load
TensorFlow; `host_client`, `predictor_runner` and `model_copy` are the server's side of it.
"""
