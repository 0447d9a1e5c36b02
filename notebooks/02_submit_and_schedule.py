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

from kanaria.pipelines import documents, flights
from kanaria.pipelines.compile import compile_pipeline

compile_pipeline("train_and_deploy", Path("pipeline.yaml"), "registry.example.com/ml")
Path("pipeline.yaml").stat().st_size

# %% [markdown]
# ## Submit
#
# Three lines: the server, the package, the run. The user's module and EvalConfig are uploaded
# beside the artifacts under their content hash; the pipeline is uploaded unless the server has it.

# %%
from kanaria.pipelines.submit import submit
from kanaria.pipelines.submit.package import package
from kanaria.pipelines.submit.server import Server

folder = Path(flights.__file__).parent
pipeline_root = os.environ.get("PIPELINE_ROOT", "s3://bucket/artifacts")
values = {
    "data": "s3://bucket/flights/{YYYY}-{MM}-{DD}/*.csv",
    "module_file": str(folder / "flights_module.py"),
    "eval_config_file": str(folder / "eval_config.pbtxt"),
    "service_name": "flights-delay",
}

server = Server.connect()
flights_package = package(documents.read("train_and_deploy"), "registry.example.com/ml")
run = submit.submit(server, flights_package, values, pipeline_root=pipeline_root)
run.link

# %% [markdown]
# ## Wait
#
# A run that somebody terminated is told from one that failed.

# %%
names = [task.name.rpartition("/")[2] for task in flights_package.plan.tasks]
status = submit.wait(server, run.run_id, names, lambda task: print(task.name, task.state.value))
status.ending, status.cause

# %% [markdown]
# ## Schedule
#
# Every morning at six, on the day of the schedule. Unchanged data costs nothing: the steps are
# cached on content.

# %%
from kanaria.pipelines.submit import schedule

schedule.create(
    server,
    flights_package,
    {**values, "span": "schedule-time"},
    schedule.Timetable(cron="0 6 * * *"),
    name="flights-daily",
    pipeline_root=pipeline_root,
)
[schedule.line(found) for found in server.schedules()]

# %%
server.pause(schedule.find(server, "flights-daily"))
[schedule.line(found) for found in server.schedules()]

# %%
server.delete(schedule.find(server, "flights-daily"))
server.schedules()
