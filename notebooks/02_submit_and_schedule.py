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
# # The same pipeline on a cluster: compile, submit, schedule
#
# What ran on one machine in the first notebook runs here on Kubeflow Pipelines. Set before you
# start:
#
# | variable | what |
# |---|---|
# | `KF_PIPELINES_ENDPOINT` | address of Kubeflow Pipelines, for instance `http://localhost:8080` |
# | `PIPELINE_ROOT` | folder of artifacts in a store, for instance `s3://bucket/artifacts` |
# | `DATA` | the data in a store, for instance `s3://bucket/flights/*.csv` |
# | `KFP_EXISTING_TOKEN` | a token, where the server asks for one |

# %%
import os
from importlib.resources import files
from pathlib import Path

from kanaria.pipelines.compile import compile_pipeline
from kanaria.pipelines.submit import schedule
from kanaria.pipelines.submit.client import Server
from kanaria.pipelines.submit.submit import submit, wait
from kanaria.pipelines.submit.trigger import trigger

server = Server()
pipeline_root = os.environ["PIPELINE_ROOT"]
example = Path(str(files("kanaria.pipelines.flights")))
arguments = {
    "data": os.environ["DATA"],
    "module_file": str(example / "flights_module.py"),
    "eval_config_file": str(example / "eval_config.pbtxt"),
    "service_name": "flights-delay",
}

# %% [markdown]
# ## Compile
#
# Only to look at it, or to upload it in the UI by hand: submitting compiles nothing.

# %%
compile_pipeline("train_and_deploy", Path("pipeline.yaml"), image_prefix="registry.example.com/ml")
print(*Path("pipeline.yaml").read_text().splitlines()[-3:], sep="\n")

# %% [markdown]
# ## Submit
#
# The two local files are uploaded below the pipeline root under the hash of their content. The
# pipeline is uploaded as a version named by its content, unless the server has that one.

# %%
run = submit("train_and_deploy", arguments, server=server, pipeline_root=pipeline_root)
run

# %%
finished = wait(run, server)
finished.outcome

# %% [markdown]
# ## Schedule
#
# Every day at six. Runs that were missed are not made up for unless `catch_up=True`.

# %%
schedule.create(
    "flights-every-morning",
    "train_and_deploy",
    arguments,
    server=server,
    trigger=trigger(cron="0 6 * * *"),
    pipeline_root=pipeline_root,
)
schedule.all_schedules(server)

# %% [markdown]
# Pause it, let it go on, delete it:

# %%
schedule.pause(server, "flights-every-morning")
schedule.resume(server, "flights-every-morning")
schedule.delete(server, "flights-every-morning")
