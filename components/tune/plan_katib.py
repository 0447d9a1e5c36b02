"""The work of plan_katib_search: the user's tuner becomes an Experiment of Katib."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kanaria.components.shared.artifacts import metadata
from kanaria.components.shared.config import keys, yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.components.shared.tuning import search_plan
from kanaria.components.shared.tuning.search_plan import SearchPlan
from kanaria.components.shared.user_code import user_module
from kanaria.components.tune import (
    katib_algorithms,
    katib_experiment,
    katib_order,
    katib_space,
    trial_pod,
    tuner_call,
)
from kanaria.components.tune.katib_experiment import SearchSettings
from kanaria.components.tune.request import TuneRequest, check

STEP = "plan_katib_search"
MOST_BYTES = 100_000
"""Of what a trial is to do: Linux hands over 131,072 in one variable."""
SETTINGS = keys.Key(
    name="algorithm_settings",
    kind=keys.Kind.MAPPING,
    entries=keys.Kind.SETTING,
    default={},
    meaning="Settings of the algorithm.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRequest:
    """What Katib is to search, and how.

    Attributes:
        tuning: as tune_model is asked for it.
        uris: name of an input -> where the trials' pods find it.
        algorithm: Katib's name of it, "" for the one most like the tuner's.
        algorithm_settings: its settings, as the user wrote them.
        max_failed_trials: failed trials that end the search, 1 or more.
        trial: what the trials' pods are, as the user wrote it.
    """

    tuning: TuneRequest
    uris: Mapping[str, str]
    algorithm: str = ""
    algorithm_settings: Mapping[str, Any] = field(default_factory=dict)
    max_failed_trials: int = 3
    trial: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What was planned."""

    experiment: dict[str, Any]
    plan: SearchPlan

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Return output -> its artifact's metadata."""
        spec, name = self.experiment["spec"], self.experiment["metadata"]["name"]
        algorithm, most = spec["algorithm"]["algorithmName"], spec["maxTrialCount"]
        facts = {
            "name": name,
            "algorithm": algorithm,
            "trials": most,
            "objective": self.plan.objective,
            "hyperparameters": [one.name for one in self.plan.parameters],
        }
        described = metadata.described("experiment", facts, name, f"{algorithm}, {most} trials")
        return {"experiment": described}


def _unseen(uris: Mapping[str, str], pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs that the trials' pods cannot see: paths that no volume is mounted at."""
    mounts = [str(entry.get("mountPath", "")) for entry in pod["volumes"]]
    return {
        name: uri
        for name, uri in uris.items()
        if not uri_files.is_remote(uri)
        and not any(
            PurePosixPath(uri_files.absolute(uri)).is_relative_to(mount)
            for mount in mounts
            if mount
        )
    }


def _pod(request: PlanRequest) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the trials' pods are, and the algorithm's settings; check all parameters."""
    faults = Faults(STEP)
    count = request.max_failed_trials
    faults.check(count >= 1, "max_failed_trials", count, "use 1 or more")
    pod = trial_pod.settings(request.trial, faults)
    mapping = {SETTINGS.name: dict(request.algorithm_settings)}
    settings = keys.read(mapping, (SETTINGS,), STEP, faults)[SETTINGS.name]
    faults.raise_if_any()
    for name, uri in _unseen(request.uris, pod).items():
        remedy = "trials run elsewhere: keep artifacts in a bucket, or mount this by trial.volumes"
        faults.check(False, name, uri, remedy)
    faults.raise_if_any()
    return pod, settings


def _tuner(request: TuneRequest) -> Any:
    """Return the user's tuner, made for nothing but to be asked what it would search."""
    call = tuner_call.prepared(request)
    with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
        return call(Path(scratch)).tuner


def _search_plan(tuner: Any, where: str) -> SearchPlan:
    oracle = tuner.oracle
    space = oracle.get_space()
    parameters, fixed = katib_space.parameters(space, where)
    config = space.get_config()
    return SearchPlan(
        objective=oracle.objective.name,
        direction=oracle.objective.direction,
        parameters=parameters,
        hyperparameters={**config, "values": {**config["values"], **fixed}},
    )


def _settings(request: PlanRequest, tuner: Any, plan: SearchPlan) -> tuple[SearchSettings, Faults]:
    pod, algorithm_settings = _pod(request)
    faults = Faults(STEP)
    oracle = tuner.oracle
    algorithm = request.algorithm or katib_algorithms.of_oracle(oracle)
    most = request.tuning.max_trials or oracle.max_trials
    most = most or katib_algorithms.combinations(plan.parameters)
    faults.check(bool(most), "max_trials", 0, f"{type(tuner).__name__} names no number; say one")
    fault = katib_algorithms.fault(algorithm, plan.parameters, most)
    faults.check(not fault, "algorithm", algorithm, fault)
    settings = SearchSettings(
        algorithm=algorithm,
        algorithm_settings=algorithm_settings,
        max_trials=most,
        parallel_trials=request.tuning.parallel_trials,
        max_failed_trials=request.max_failed_trials,
        seed=request.tuning.seed,
        pod=pod,
    )
    return settings, faults


def plan_search(request: PlanRequest, target: Path) -> Planned:
    """Write the Experiment that searches what the user's tuner would, and the plan to read it by.

    Raises:
        ParameterError: a parameter is out of range, or Katib cannot search such a space so.
        UserCodeError: tuner_fn does not load, fails, or returns no tuner.
    """
    check(request.tuning, STEP)
    _pod(request)
    tuner = _tuner(request.tuning)
    where = f"{request.tuning.module_file}: {request.tuning.tuner_fn}"
    plan = _search_plan(tuner, where)
    settings, faults = _settings(request, tuner, plan)
    code = user_module.fingerprint(request.tuning.module_file)
    order = katib_order.document(request.tuning, request.uris, plan, code)
    size = len(trial_pod.as_text(order))
    remedy = f"hand over less: with the search space it is {size:,} bytes, and {MOST_BYTES:,} fit"
    faults.check(size <= MOST_BYTES, "custom_config", request.tuning.custom_config, remedy)
    faults.raise_if_any()
    planned = Planned(experiment=katib_experiment.experiment(plan, settings, order), plan=plan)
    with atomic.published(target) as folder:
        folder.mkdir()
        atomic.write_text(folder / search_plan.EXPERIMENT_FILE, yaml_text.dump(planned.experiment))
        atomic.write_text(folder / search_plan.PLAN_FILE, search_plan.as_text(plan))
    return planned
