"""What a Kubeflow Pipelines 2.17.0 server keeps, and its rules; in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import kfp_pods
import yaml
from kfp_accounts import Accounts, steps_in_order
from kfp_strict import RefusedError, invalid, not_found
from kfp_tasks import START, Ends, nodes, noted

Entry = dict[str, Any]


@dataclass(frozen=True)
class Frame:
    """A run's state at one look at it, and those of its tasks (see `kfp_tasks.NODES`).

    `failure_causes` names errors of tasks, which other versions than 2.17.0 tell.
    """

    state: str
    tasks: dict[str, str] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)


SUCCEEDING = (Frame(""), Frame("RUNNING"), Frame("SUCCEEDED"))


class State:
    """The server's tables. Times are fixed but for what a test looks at."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.pipelines: dict[str, Entry] = {}
        self.versions: dict[str, Entry] = {}
        self.texts: dict[str, str] = {}
        self.experiments: dict[str, Entry] = {}
        self.runs: dict[str, Entry] = {}
        self.schedules: dict[str, Entry] = {}
        self.frames: tuple[Frame, ...] = SUCCEEDING
        self.looks = 0
        self.accounts = Accounts()
        self.hidden: list[str] = []
        self.ends = Ends()

    def visible(self, name: str, entries: dict[str, Entry]) -> list[Entry]:
        """Return a table's entries; none, once, if it is hidden: another caller adds them then."""
        if name in self.hidden:
            self.hidden.remove(name)
            return []
        return list(entries.values())

    def identity(self, kind: str) -> str:
        return f"{kind}-{next(self.numbers)}"

    def create_pipeline(self, body: Entry) -> Entry:
        if not body.get("name"):
            raise invalid("name is required")
        if any(entry["name"] == body["name"] for entry in self.pipelines.values()):
            raise RefusedError(
                409,
                6,
                f"Failed to create a new pipeline. The name {body['name']} already exists. "
                "Please specify a new name",
            )
        entry = {**body, "pipeline_id": self.identity("pipeline"), "created_at": START}
        self.pipelines[entry["pipeline_id"]] = entry
        return entry

    def upload_version(self, pipeline_id: str, name: str, text: str) -> Entry:
        if pipeline_id not in self.pipelines:
            raise not_found("Pipeline", pipeline_id)
        taken = [entry["name"] for entry in self.versions_of(pipeline_id).values()]
        if name in taken:
            raise RefusedError(409, 6, "Failed to create a pipeline version")
        if "pipelineInfo" not in next(yaml.safe_load_all(text)):
            raise invalid("Failed to create a pipeline version")
        if wrong := kfp_pods.faults(text):
            raise invalid("; ".join(wrong))
        version_id = self.identity("version")
        self.texts[version_id] = text
        self.versions[version_id] = {
            "pipeline_id": pipeline_id,
            "pipeline_version_id": version_id,
            "name": name,
            "display_name": name,
            "created_at": START,
        }
        return self.versions[version_id]

    def versions_of(self, pipeline_id: str) -> dict[str, Entry]:
        return {k: v for k, v in self.versions.items() if v["pipeline_id"] == pipeline_id}

    def create_experiment(self, body: Entry) -> Entry:
        names = [entry["display_name"] for entry in self.experiments.values()]
        if body["display_name"] in names:
            raise RefusedError(409, 6, "Failed to create a new experiment")
        entry = {**body, "experiment_id": self.identity("experiment"), "created_at": START}
        self.experiments[entry["experiment_id"]] = entry
        return entry

    def check_job(self, body: Entry) -> None:
        """Check what runs and schedules share, as the server's validatePipelineJobInputs does."""
        if not body.get("display_name"):
            raise invalid("The run name is empty. Please specify a valid name")
        self.accounts.check(body)
        if body.get("experiment_id") not in self.experiments:
            raise not_found("Experiment", str(body.get("experiment_id")))
        reference = body.get("pipeline_version_reference", {})
        version = self.versions.get(reference.get("pipeline_version_id"), {})
        if not version or version["pipeline_id"] != reference.get("pipeline_id"):
            raise not_found("PipelineVersion", str(reference))
        document = next(yaml.safe_load_all(self.texts[version["pipeline_version_id"]]))
        parameters = document["root"].get("inputDefinitions", {}).get("parameters", {})
        arguments = body.get("runtime_config", {}).get("parameters", {})
        if extra := sorted(set(arguments) - set(parameters)):
            raise invalid(f"invalid pipeline job inputs: unknown input parameter(s) {extra}")
        needed = {name for name, entry in parameters.items() if not entry.get("isOptional")}
        if missing := sorted(needed - set(arguments)):
            raise invalid(f"invalid pipeline job inputs: missing parameter(s) {missing}")

    def create_run(self, body: Entry) -> Entry:
        self.check_job(body)
        account = self.accounts.of_run(body)
        entry = {**body, "run_id": self.identity("run"), "created_at": START}
        entry["service_account"] = account
        self.runs[entry["run_id"]] = entry
        self.looks = 0
        return entry

    def known_run(self, run_id: str) -> Entry:
        if run_id not in self.runs:
            raise not_found("Run", run_id)
        return self.runs[run_id]

    def look_at_run(self, run_id: str) -> Entry:
        """Return the run in its next frame; the last frame stays."""
        run = self.known_run(run_id)
        own = self.ends.frames.get(run_id)
        if own:
            frame = own.pop(0) if len(own) > 1 else own[0]
        else:
            frame = self.refused(run) or self.frames[min(self.looks, len(self.frames) - 1)]
            self.looks += 1
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        tasks = nodes(frame.tasks, now) if frame.state or frame.tasks else []
        for entry in tasks:
            if entry.get("display_name") in frame.causes:
                error = {"code": 2, "message": frame.causes[entry["display_name"]]}
                entry["state_history"][-1]["error"] = error
        self.runs[run_id] = noted(run, frame.state)
        details = {"run_details": {"task_details": tasks}} if tasks else {}
        return {**self.runs[run_id], **details}

    def refused(self, run: Entry) -> Frame | None:
        """Return how a run ends whose account may not do what it needs."""
        version = run["pipeline_version_reference"]["pipeline_version_id"]
        document = next(yaml.safe_load_all(self.texts[version]))
        order = list(steps_in_order(document, document["root"]["dag"]["tasks"]))
        failing = self.accounts.failing(run["service_account"], order)
        return None if failing is None else Frame("FAILED", failing)

    def start_of_schedule(self, schedule_id: str, name: str) -> str:
        """Start a run as the schedule does, and return its id."""
        of_it = {"recurring_run_id": schedule_id, "display_name": name, "created_at": START}
        schedule = self.schedules[schedule_id]
        copied = (
            "experiment_id",
            "pipeline_version_reference",
            "runtime_config",
            "service_account",
        )
        entry = {key: schedule[key] for key in copied} | of_it | {"run_id": self.identity("run")}
        self.runs[entry["run_id"]] = noted(entry, "RUNNING")
        return str(entry["run_id"])

    def create_schedule(self, body: Entry) -> Entry:
        self.check_job(body)
        most = int(body.get("max_concurrency", 0))
        if not 1 <= most <= 10:
            raise invalid(
                "Max concurrency of a recurring run must be at least 1 and at most 10. "
                f"Received {most}"
            )
        enabled = body["mode"] == "ENABLE"
        entry = {
            **body,
            "recurring_run_id": self.identity("schedule"),
            "status": "ENABLED" if enabled else "DISABLED",
            "max_concurrency": str(most),
            "service_account": self.accounts.of_schedule(body),
        }
        if not entry.get("no_catchup"):
            entry.pop("no_catchup", None)  # The server writes no false, zero or empty field.
        self.schedules[entry["recurring_run_id"]] = entry
        return entry

    def switch_schedule(self, schedule_id: str, enabled: bool) -> Entry:
        if schedule_id not in self.schedules:
            raise not_found("Job", schedule_id)
        entry = self.schedules[schedule_id]
        entry |= {
            "status": "ENABLED" if enabled else "DISABLED",
            "mode": "ENABLE" if enabled else "DISABLE",
        }
        return {}

    def delete_schedule(self, schedule_id: str) -> Entry:
        if not self.schedules.pop(schedule_id, None):
            raise not_found("Job", schedule_id)
        for run in self.runs.values():
            if run.get("recurring_run_id") == schedule_id:
                self.ends.orphan(run, Frame)
        return {}
