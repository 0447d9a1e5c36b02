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
# The pipeline of the first notebook on a Kubeflow Pipelines server. The server is named by
# `KF_PIPELINES_ENDPOINT`, as for kfp's own client; inside a Kubeflow notebook nothing is needed.

# %%
import os
from pathlib import Path

from kanaria.pipelines import flights
from kanaria.pipelines.compile import compile_pipeline

compile_pipeline("train_and_deploy", Path("pipeline.yaml"), "registry.example.com/ml")
Path("pipeline.yaml").stat().st_size

# %% [markdown]
# ## Submit
#
# The user's module and EvalConfig are uploaded beside the artifacts under their content hash; the
# pipeline is uploaded unless the server has this very content.

# %%
from kanaria.pipelines.submit import submit
from kanaria.pipelines.submit.client import Server

folder = Path(flights.__file__).parent
where = {
    "pipeline_root": os.environ.get("PIPELINE_ROOT", "s3://bucket/artifacts"),
    "image_prefix": "registry.example.com/ml",
    "experiment": "flights",
}
values = {
    "data": "s3://bucket/flights/{YYYY}-{MM}-{DD}/*.csv",
    "module_file": str(folder / "flights_module.py"),
    "eval_config_file": str(folder / "eval_config.pbtxt"),
    "service": {"name": "flights-delay"},
}

server = Server()
run = submit.submit("train_and_deploy", values, server=server, **where)
run

# %% [markdown]
# ## Wait
#
# A run that somebody terminated is told from one that failed; what failed is told with its cause,
# and a step that waits with the reason. `runs.find` takes up a run by its id or name.

# %%
from kanaria.pipelines.submit import runs

runs.wait(run, server)

# %% [markdown]
# ## Schedule
#
# Every morning at six, on the day of the schedule. Unchanged data costs nothing: the steps are
# cached on content.

# %%
from kanaria.pipelines.submit import schedule
from kanaria.pipelines.submit.trigger import trigger

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
