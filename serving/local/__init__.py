"""Serves InferenceService manifests on one machine, as KServe would, by local processes.

Rule: `state` holds what is applied and what came of it; `controller` decides by it and makes
processes follow; `predictor` is the processes that answer; `router` is the one port before them,
and `payload_logger` works beside it. `server` is the process of all this, `background_server` the
one place that starts it beside others. Nothing here knows a way of traffic.
"""
