"""The begin of a run in MLflow: it is there while it runs, and what is wrong is told at once."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.model_registry import tracking_settings
from kanaria.serving.model_registry.tracker import Tracker, identity_of

logger = logging.getLogger(__name__)


def begin(mapping: Mapping[str, Any], run_id: str, pipeline: str) -> None:
    """Make the run in MLflow, or find it; nothing where nobody asked for it or the run has no id.

    Args:
        mapping: the pipeline's parameter `tracking`.
        run_id: KFP's id of the run, or that of one on this machine.
        pipeline: its pipeline's name.

    Raises:
        ParameterError: something in the mapping is wrong.
        KanariaError: tracking is required and failed.
    """
    faults = Faults("resolve_deployed")
    tracking = tracking_settings.within(mapping, faults, os.environ)
    faults.raise_if_any()
    if tracking is None or not (run_id or tracking.mlflow_run_id):
        return
    tracker = Tracker(tracking, identity_of(tracking, run_id, pipeline))
    page = tracker.attempt(lambda client, run: run.page(client.uri))
    if page:
        logger.warning("tracked at %s", page)
