# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Drift and retraining
#
# A model of January meets July. `watch_for_drift` compares new rows with those that the live model
# was trained on, and fails with the reasons; the service is trained anew; the comparison is quiet.
#
# Every tenth flight is kept back: such rows stand for requests that no training has seen.

# %%
from pathlib import Path

import pandas as pd

from kanaria.pipelines import flights
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.summary import failures, lines

root = Root(path=Path(".kanaria/flights").resolve())
folder = root.path / "seasons"
folder.mkdir(parents=True, exist_ok=True)
months = [pd.read_csv(file) for file in prepare(root.path / "data")[:7]]
for number, month in enumerate(months, 1):
    month[::10].to_csv(folder / f"new-{number}.csv", index=False)
    month.drop(month.index[::10]).to_csv(folder / f"train-{number}.csv", index=False)
sum(map(len, months))

# %%
config = str(Path(flights.__file__).with_name("train.yaml"))


def train(pipeline, files):
    """Train, evaluate and push; the model gets all requests."""
    values = {
        "data": str(folder / files),
        "train_steps": 300,
        "service": {"name": "seasons", "canaryTrafficPercent": 100},
    }
    record, _ = launch(pipeline, config=config, values=values, root=root)
    return record.state.value


train("train_and_deploy", "train-1.csv")

# %% [markdown]
# ## July comes


# %%
def watch(files):
    """Compare new rows with the live model's; return the run's record."""
    values = {"data": str(folder / files), "service": {"name": "seasons"}}
    record, _ = launch("watch_for_drift", values=values, root=root)
    return record


july = watch("new-7.csv")
print("\n".join([*failures(july), *lines(july)]))

# %% [markdown]
# ## What changed
#
# Drift needs a small p-value and an effect that matters. The effect of a number is the
# Kolmogorov-Smirnov distance, from 0 to 1.

# %%
import json

import matplotlib.pyplot as plt


def effects(record):
    """Return feature -> effect, of the newest comparison."""
    task = next(task for task in record.tasks if task.name == "detect-drift")
    document = json.loads((Path(task.artifacts["drift"]) / "drift.json").read_text())
    features = document["watched"][0]["windows"][0]["features"]
    return {one["feature"]: one["effect"]["value"] for one in features}


figure, (bars, temperatures) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
july_effects = pd.Series(effects(july)).sort_values()
july_effects.plot.barh(ax=bars, title="January to July: effect")
for number, name in ((1, "January"), (7, "July")):
    months[number - 1]["temp"].plot.hist(
        ax=temperatures, bins=30, alpha=0.6, density=True, label=name, title="temp"
    )
temperatures.legend()
plt.show()

# %% [markdown]
# ## Train anew, look again
#
# `retrain` takes what `train_and_deploy` takes, and `run_fn` may start from the live model.

# %%
train("retrain", "train-*.csv")

# %%
again = watch("new-*.csv")
print("\n".join([*failures(again), *lines(again)]))

# %%
both = pd.DataFrame({"before": july_effects, "after": pd.Series(effects(again))})
both.sort_values("before").plot.barh(figsize=(7, 5), title="effect, before and after")
plt.show()
