"""The steps of a pipeline: one folder a step, its folder named by a verb.

Rule: this module loads nothing until a name is asked for, so that servers and running
steps which import `kanaria.components.shared` never load kfp.
"""

from importlib import import_module
from typing import Any

FOLDERS = {
    "join_features": "join",
    "materialize_features": "join",
    "ingest_data": "ingest",
    "validate_data": "validate",
    "compare_data": "validate",
    "transform_data": "transform",
    "tune_model": "tune",
    "plan_katib_search": "tune",
    "run_katib_search": "search",
    "train_model": "train",
    "evaluate_model": "evaluate",
    "bless_model": "evaluate",
    "explain_model": "explain",
    "export_lite": "export",
    "predict_batch": "predict",
    "fit_drift_detector": "detect",
    "detect_drift": "detect",
    "push_model": "push",
    "rollout_model": "rollout",
    "promote_model": "rollout",
    "require_passed": "require",
    "report_run": "report",
    "resolve_span": "resolve",
    "resolve_deployed": "resolve",
}
"""Component function -> folder whose `component.py` defines it."""

__all__ = list(FOLDERS)


def __getattr__(name: str) -> Any:
    """Import the component `name` on first use."""
    if name not in FOLDERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{FOLDERS[name]}.component"), name)


def __dir__() -> list[str]:
    """List the components for completion in notebooks."""
    return __all__
