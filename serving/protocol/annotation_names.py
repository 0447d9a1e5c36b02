"""Names of annotations, labels and headers that others read or write too.

Sources: KServe 0.20, pkg/constants; CloudEvents 1.0, HTTP protocol binding; Open Inference Protocol
v2, binary tensor data extension.
"""

GROUP, KSERVE = "kanaria.io", "serving.kserve.io"

VERSION_ANNOTATION = f"{GROUP}/model-version"
"""Of a service, and so of its revisions and of their payload events."""
RUN_ID_ANNOTATION = f"{GROUP}/run-id"
PIPELINE_ANNOTATION = f"{GROUP}/pipeline"
DATA_SPAN_ANNOTATION = f"{GROUP}/data-span"
SERVICE_ANNOTATION = f"{GROUP}/service"
"""Names the service where each of its revisions is an InferenceService (Standard mode); a label
too."""
LATEST_ANNOTATION = f"{GROUP}/latest"
ROLLED_OUT_ANNOTATION = f"{GROUP}/rolled-out"
PREVIOUS_ANNOTATION = f"{GROUP}/previous"
"""Of a route: the newest revision, the stable one and the stable one before."""
NUMBER_ANNOTATION = f"{GROUP}/number"
"""Of a predictor that is ours; pods carry it, so it stays what it was."""
MIRRORED_ANNOTATION = f"{GROUP}/mirrored-percent"
"""Of a manifest: percent of the requests that its revision gets a copy of."""
ROLLOUT_LABEL = f"{GROUP}/rollout"
"""Of a ConfigMap: the service whose rollout it holds."""

DEPLOYMENT_MODE = f"{KSERVE}/deploymentMode"
STOP_ANNOTATION = f"{KSERVE}/stop"
"""Of a manifest: "true" stops the service, as on a cluster."""
SERVICE_LABEL = f"{KSERVE}/inferenceservice"
SOURCE_URI = f"internal.{KSERVE}/storage-initializer-sourceuri"
"""Annotation in which KServe's webhook leaves a revision's storageUri."""
STORAGE_SECRET = f"{KSERVE}/storageSecretName"

REQUEST_ID_HEADER = "X-Request-Id"
"""What labels, and the answers of several models, are joined by."""
EXPLANATION_ID = "kanaria-explanation-"
"""How the X-Request-Id of a request begins that an explainer sends: it is no user's."""
REVISION_HEADER = "X-Kanaria-Revision"
"""Of an answer: the revision that it was counted against."""
EVENT_ID_HEADER = "Ce-Id"
"""What a request and its response are joined by."""
JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
"""Bytes of a body's JSON, where binary data follows it."""
