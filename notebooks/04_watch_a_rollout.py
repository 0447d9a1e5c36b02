# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Watch a rollout
#
# A second model is pushed beside the one that is live, gets a share of real requests, and is given
# more, or taken back, on what it answers. Here both are local processes; on a cluster the same
# policy rolls an InferenceService out.

# %%
from pathlib import Path

from kanaria.pipelines import flights
from kanaria.pipelines.flights.prepare import prepare
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.local.machine_folders import Root

root = Root(path=Path(".kanaria/flights").resolve())
months = prepare(root.path / "data")
config = str(Path(flights.__file__).with_name("train.yaml"))


def train(steps, percent):
    """Train on January, and push the model; the first one of a service gets all requests."""
    values = {
        "data": str(months[0]),
        "train_steps": steps,
        "service": {"name": "rollout", "canaryTrafficPercent": percent},
    }
    record, _ = launch("train_and_deploy", config=config, values=values, root=root)
    return record.state.value


train(200, 100), train(400, 0)

# %% [markdown]
# ## The policy
#
# What is not said has its default: a canary that is no worse is rolled back in 5 % of cases at
# most, however often one looks. Models and clients share this machine, so slow answers say little
# of either model: that gate is off here.

# %%
from kanaria.serving.rollout.policy.rollout_policy import read

policy_text = """
steps:
  - {percent: 10, minimum_requests: 200, minimum_minutes: 0}
  - {percent: 50, minimum_requests: 200, minimum_minutes: 0}
warm_up: {minutes: 0, requests: 20}
gates: {latency: false}
"""
Path("policy.yaml").write_text(policy_text)
policy = read(Path("policy.yaml"))

# %% [markdown]
# ## Roll out under traffic
#
# Flights of February ask the service, four clients at a time, while a controller looks at both
# revisions every second. `kanaria rollout start` does the same from a terminal, and `approve`,
# `pause`, `promote` and `rollback` command it while it runs.

# %%
import itertools
import threading
import time

import httpx

from kanaria.pipelines.flights import traffic
from kanaria.serving.local.background_server import served
from kanaria.serving.rollout.control import controller, operations
from kanaria.serving.rollout.control.environment import connect
from kanaria.serving.rollout.control.messages import LineListener
from kanaria.serving.rollout.timeline import record_history


def ask(url, ended):
    """Send flights one after the other until the rollout has ended."""
    with httpx.Client(timeout=60) as client:
        for flight in itertools.cycle(traffic.flights(months[1:2], 1000)):
            if ended.is_set():
                return
            client.post(f"{url}/v1/models/rollout:predict", json={"instances": [flight.features]})


ended = threading.Event()
with served(root.serving) as url, connect(str(root.serving)) as place:
    clients = [threading.Thread(target=ask, args=(url, ended)) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        operations.start(
            place.store,
            place.traffic,
            "default",
            "rollout",
            operations.Beginning(policy=policy, who="me", now=time.time()),
        )
        stored = controller.run(
            place.world(),
            operations.newest(place.store, "default", "rollout"),
            lease=place.lease_of("default", "rollout"),
            listener=place.listener(LineListener(print)),
            pace=controller.Pace(interval_seconds=1),
        )
    finally:
        ended.set()
        for client in clients:
            client.join()
    rollout = stored.rollout
    entries = place.store.entries("default", "rollout", rollout.number)
rollout.state.phase

# %% [markdown]
# ## What it saw
#
# The share of the canary, the requests that both answered, and how much of the evidence against it
# each look had used up: at 1 it would have been rolled back.

# %%
import matplotlib.pyplot as plt

moments = record_history.read({}, rollout.policy, rollout.started, entries).moments
seconds = [moment.when - rollout.started for moment in moments]
figure, (share, requests, evidence) = plt.subplots(3, sharex=True, figsize=(7, 6))
share.step(seconds, [moment.state.desired_percent for moment in moments], where="post")
share.set(ylabel="canary, %", ylim=(-5, 105))
requests.plot(seconds, [moment.stable.requests for moment in moments], label="stable")
requests.plot(seconds, [moment.canary.requests for moment in moments], label="canary")
requests.set(ylabel="requests")
requests.legend()
evidence.plot(seconds, [moment.spent for moment in moments])
evidence.axhline(1, color="grey", linewidth=1)
evidence.set(ylabel="evidence used", xlabel="seconds")
plt.show()

# %% [markdown]
# The whole record with every reason is a page: `kanaria rollout report rollout`.
