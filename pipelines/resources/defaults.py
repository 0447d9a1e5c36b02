"""What the steps of Kanaria's own pipelines get by default, as measured.

Peak memory of a step's pod on KFP 2.17 at 3,000 rows, page cache included: evaluate 755 MB,
transform 725, train 716, validate 630, all others 276 to 389. On one machine 15,000 and 150,000
rows of 18 columns take the same within 30 %, since data is read in batches; 180 more columns to be
scaled take 740 MB more in transform. The README has the table.

Memory is limited for steps of the control image alone: theirs depends on no data and no model, and
a limit that is a guess would end a training that needs more.

A step is tried again where it only reads the world, or goes on where it was stopped, so that a
store or an API that is away for a moment ends no run. KFP cannot tell such a hiccup from wrong
input: a step that computes for an hour and then fails by the user's own fault would do so three
times.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.pipelines.resources.pod_tasks import leaves
from kanaria.pipelines.resources.settings_of_steps import Resources

LIGHT = ("ingest-data", "fit-drift-detector", "detect-drift")
"""Steps of the training image that keep little in memory."""
RETRIED = ("resolve-span", "resolve-deployed", "predict-batch")


def _amounts(cpu: str, of_memory: str, **limits: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": of_memory}, **({"limits": limits} if limits else {})}


CONTROL_AMOUNTS = _amounts("100m", "512Mi", memory="1Gi")
LIGHT_AMOUNTS = _amounts("250m", "512Mi")
COMPUTING_AMOUNTS = _amounts("500m", "1Gi")
RETRY = {
    "maxRetryCount": 2,
    "backoffDuration": "10s",
    "backoffFactor": 3,
    "backoffMaxDuration": "5m",
}


def of(document: Mapping[str, Any]) -> Resources:
    """Return the settings of a compiled pipeline's steps."""
    steps: dict[str, Any] = {}
    for leaf in leaves(document):
        light = LIGHT_AMOUNTS if leaf.key.startswith(LIGHT) else COMPUTING_AMOUNTS
        amounts = CONTROL_AMOUNTS if leaf.is_control else light
        retry = {"retryPolicy": RETRY} if leaf.key.startswith(RETRIED) else {}
        steps[leaf.key] = {"resources": amounts, **retry}
    return Resources(where="defaults", steps=steps)
