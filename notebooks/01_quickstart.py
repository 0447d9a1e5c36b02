# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A model from a CSV file to an endpoint, on this machine
#
# The question: will a flight from New York arrive more than 15 minutes late? The answer takes one
# module with `preprocessing_fn` and `run_fn`, one file of thresholds, and one call. Everything is
# kept below `.kanaria/quickstart`.
#
# Run this in the environment that `make install` made: `.venv/serving`.

# %%
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import httpx

from kanaria.pipelines.compiled import documents
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local import arguments, plan, progress
from kanaria.pipelines.local.run import Root, run
from kanaria.serving.local import store

root = Root(path=Path(".kanaria/quickstart").resolve())

# %% [markdown]
# ## Data
#
# The flights of January 2013 and the weather at their departure, one row a flight.

# %%
january = prepare(root.path / "data")[0]
print(*january.read_text().splitlines()[:3], sep="\n")

# %% [markdown]
# ## The user's two files
#
# `flights_module.py` says what goes into the model and how it is trained; `eval_config.pbtxt` says
# what a model must reach before anybody may use it.

# %%
example = Path(str(files("kanaria.pipelines.flights")))
print((example / "flights_module.py").read_text()[:1200])

# %% [markdown]
# ## Serving
#
# A local server stands in for KServe: it takes the same InferenceService manifests.

# %%
root.serving.mkdir(parents=True, exist_ok=True)
command = [sys.executable, "-m", "kanaria.serving.local", "--state", str(root.serving)]
server = subprocess.Popen([*command, "--port", "0"])
while not store.live_url(root.serving):
    assert server.poll() is None, "the local server did not start"
    time.sleep(0.1)

# %% [markdown]
# ## The pipeline
#
# Ingest, validate, transform, train, evaluate; a model that passes is pushed to the endpoint.
# Steps whose data, code and parameters are unchanged are reused when this cell runs again.

# %%
pipeline = plan.read(documents("train_and_deploy")[0])
values = {
    "data": str(january),
    "module_file": str(example / "flights_module.py"),
    "eval_config_file": str(example / "eval_config.pbtxt"),
    "service_name": "flights-delay",
    "model_root": str(root.models),
    "splits": "train=4,eval=1",
    "train_steps": 300,
    "eval_steps": 10,
}
record, report = run(pipeline, arguments.checked(pipeline, values), root, progress.on(sys.stdout))
print(f"{record.state.value} after {record.seconds:.0f} s; report: {report}")

# %% [markdown]
# ## One request

# %%
flight = {
    **{"month": 1, "weekday": 4, "hour": 17, "sched_dep_minutes": 1030},
    **{"carrier": "UA", "origin": "EWR", "dest": "IAH", "distance": 1400.0},
    **{"temp": 35.0, "wind_speed": 8.1, "precip": 0.0, "visib": 10.0},
}
url = f"{store.live_url(root.serving)}/v1/models/flights-delay:predict"
answer = httpx.post(url, json={"instances": [flight]}, timeout=60).json()
answer

# %%
server.terminate()
server.wait()
