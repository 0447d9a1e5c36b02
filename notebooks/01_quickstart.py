# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quickstart on one machine
#
# A model is trained, evaluated and served here, with no cluster. Run this notebook in the serving
# environment (`make install`, then `.venv/serving`).
#
# The data: flights that left New York in January 2013, and whether they arrived late.

# %%
from pathlib import Path

from kanaria.pipelines import flights
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.local.machine_folders import Root

root = Root(path=Path(".kanaria/flights").resolve())
months = prepare(root.path / "data")
months[0].read_text().splitlines()[:3]

# %% [markdown]
# ## Train, evaluate, push
#
# The same compiled pipeline runs on Kubeflow Pipelines. Its parameters come from a file beside the
# user's module; what is given here stands over it.

# %%
config = Path(flights.__file__).with_name("train.yaml")
record, index = launch(
    "train_and_deploy",
    config=str(config),
    values={"data": str(months[0]), "train_steps": 200, "service": {"name": "quickstart"}},
    root=root,
)
record.state, index.relative_to(root.path)

# %% [markdown]
# Every step with its seconds and its peak memory:

# %%
[(task.name, task.state.value, task.seconds, task.peak_mb) for task in record.tasks]

# %% [markdown]
# How well the model tells late flights from others, on flights that it was not trained on:

# %%
import matplotlib.pyplot as plt

evaluated = next(task for task in record.tasks if task.name == "evaluate-model")
points = evaluated.metadata["classification"]["confidenceMetrics"]
plt.figure(figsize=(4, 4))
plt.plot([p["falsePositiveRate"] for p in points], [p["recall"] for p in points])
plt.axline((0, 0), (1, 1), color="grey", linewidth=1)
plt.xlabel("on-time flights called late")
plt.ylabel("late flights called late")
plt.title(f"AUC {evaluated.metadata['metrics']['auc']:.3f}")
plt.show()

# %% [markdown]
# ## Ask the model
#
# What was pushed is served by a process of its own; one flight, as `curl` would send it. A first
# model gets all requests; the next one would start as a canary.

# %%
import httpx

from kanaria.serving.local.background_server import served

flight = {
    "month": 1,
    "weekday": 4,
    "hour": 17,
    "sched_dep_minutes": 1030,
    "carrier": "UA",
    "origin": "EWR",
    "dest": "IAH",
    "distance": 1400.0,
    "temp": 35.0,
    "wind_speed": 8.1,
    "precip": 0.0,
    "visib": 10.0,
}

with served(root.serving) as url:
    answer = None
    while answer is None or answer.status_code == 503:  # It is loading.
        answer = httpx.post(
            f"{url}/v1/models/quickstart:predict", json={"instances": [flight]}, timeout=60
        )
answer.json(), answer.headers["X-Kanaria-Revision"]

# %% [markdown]
# Run the second cell again: every step whose data, code and parameters are unchanged is reused.
