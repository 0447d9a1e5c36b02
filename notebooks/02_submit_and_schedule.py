# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Compile, submit and schedule
#
# The pipeline of the first notebook on a Kubeflow Pipelines server. What is yours stands in the
# next cell: the server's address (inside a Kubeflow notebook `""` is right), the bucket, the
# registry, the Secret with the bucket's credentials, and the pods' account. The README, section
# "On a cluster", sets these up. What is shown below was answered by the server of this project's
# tests, which has Kubeflow Pipelines' API and runs no pods.

# %%
import os

ENDPOINT = os.environ.get("KF_PIPELINES_ENDPOINT", "https://kfp.example.com")
PIPELINE_ROOT = os.environ.get("PIPELINE_ROOT", "s3://my-bucket/artifacts")
DATA = "s3://my-bucket/flights/{YYYY}-{MM}-{DD}/*.csv"
IMAGE_PREFIX = "registry.example.com/ml"
STORE = "kanaria-store"
ACCOUNT = "kanaria-pipeline"

# %% [markdown]
# ## Compile
#
# Only to look at it, or to upload it by hand; what follows compiles by itself.

# %%
from pathlib import Path

import yaml

from kanaria.pipelines.compile import compile_pipeline

compile_pipeline("train_and_deploy", Path("pipeline.yaml"), IMAGE_PREFIX)
pipeline = next(yaml.safe_load_all(Path("pipeline.yaml").read_text()))
sorted(pipeline["deploymentSpec"]["executors"])

# %% [markdown]
# ## Submit
#
# The user's module and EvalConfig are uploaded beside the artifacts under their content hash; the
# pipeline is uploaded unless the server has this very content. What a step's pod gets is named as
# in a pod: here credentials for all, and memory for the training.

# %%
from kanaria.pipelines import flights
from kanaria.pipelines.resources import settings_of_steps
from kanaria.pipelines.submit import submit_pipeline
from kanaria.pipelines.submit.kfp_client import Server

folder = Path(flights.__file__).parent
where = {
    "pipeline_root": PIPELINE_ROOT,
    "image_prefix": IMAGE_PREFIX,
    "experiment": "flights",
    "service_account": ACCOUNT,
    "resources": settings_of_steps.of(
        {
            "all": {"envFrom": [{"secretRef": {"name": STORE}}]},
            "train_model": {"resources": {"limits": {"memory": "4Gi"}}},
        }
    ),
}
values = {
    "data": DATA,
    "module_file": str(folder / "flights_module.py"),
    "eval_config_file": str(folder / "eval_config.pbtxt"),
    "service": {"name": "flights-delay"},
}

server = Server(ENDPOINT)
run = submit_pipeline.submit("train_and_deploy", values, server=server, **where)
run

# %% [markdown]
# ## Wait
#
# A run that somebody terminated is told from one that failed; what failed is told with its cause,
# and a step that waits with the reason. `server_runs.find` takes up a run by its id or name.

# %%
from kanaria.pipelines.submit import server_runs

server_runs.wait(run, server)

# %% [markdown]
# ## Schedule
#
# Every morning at six, on the day of the schedule. Unchanged data costs nothing: the steps are
# cached on content.

# %%
from kanaria.pipelines.submit import schedule
from kanaria.pipelines.submit.schedule_times import trigger

schedule.create(
    "flights-daily",
    "train_and_deploy",
    {**values, "span": "schedule-time"},
    server=server,
    trigger=trigger(cron="0 6 * * *"),
    **where,
)
[(entry.name, str(entry.trigger), entry.enabled) for entry in schedule.all_schedules(server)]

# %%
schedule.pause(server, "flights-daily")
[(entry.name, entry.enabled) for entry in schedule.all_schedules(server)]

# %%
schedule.delete(server, "flights-daily")
schedule.all_schedules(server)
