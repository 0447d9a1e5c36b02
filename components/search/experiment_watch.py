"""Creates an Experiment of Katib, or finds the one that was, and waits for its end."""

import logging
import time
from typing import Any

from kanaria.components.search import katib_status
from kanaria.components.shared.errors import ConflictError, NotReadyError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import KATIB_EXPERIMENTS, KATIB_TRIALS

logger = logging.getLogger(__name__)
OF_EXPERIMENT = "katib.kubeflow.org/experiment"
"""Label of a Trial."""
UNHEARD_SECONDS = 300
"""After which an Experiment without a status has no controller."""
Object = dict[str, Any]


def create(client: KubernetesClient, namespace: str, experiment: Object) -> None:
    """Create an Experiment; one of the same name is the same search, and is left as it is.

    Raises:
        ParameterError: Katib's webhook refuses it.
        NotReadyError: the cluster has no Katib.
        PermissionDeniedError: the account may not.
    """
    name = experiment["metadata"]["name"]
    try:
        client.create(KATIB_EXPERIMENTS, namespace, experiment)
    except ConflictError:
        logger.info("The Experiment %s is there already: going on with it.", name)


def ended(
    client: KubernetesClient, namespace: str, name: str, interval_seconds: float
) -> tuple[Object, list[Object]]:
    """Return an Experiment that has ended, and its Trials.

    Raises:
        NotReadyError: it was deleted, or no controller takes it up.
    """
    last_progress, begun = "", time.monotonic()
    while True:
        experiment = client.get(KATIB_EXPERIMENTS, namespace, name)
        if experiment is None:
            raise NotReadyError(f"katib: {name}: was deleted while it was waited for; run it again")
        if katib_status.condition(experiment, *katib_status.ENDED):
            return experiment, client.list(KATIB_TRIALS, namespace, f"{OF_EXPERIMENT}={name}")
        if "status" not in experiment and time.monotonic() - begun > UNHEARD_SECONDS:
            raise NotReadyError(
                f"katib: {name}: nobody took it up in {UNHEARD_SECONDS} s; does katib-controller "
                "run?"
            )
        progress = katib_status.progress(experiment)
        if progress != last_progress:
            logger.info("%s: %s.", name, progress)
        last_progress = progress
        time.sleep(interval_seconds)
