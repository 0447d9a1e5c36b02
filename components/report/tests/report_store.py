"""A store as KFP leaves it."""

import json
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome, Reason

RUN = "0c9a3f3e-1111-4c3d-9f3a-2f1a5b6c7d8e"
TRACEBACK = """[KFP Executor 2026-11-29 18:00:00,000 INFO]: Looking for component
Traceback (most recent call last):
  File "/usr/lib/python3.11/runpy.py", line 198, in _run_module_as_main
    return _run_code(code, main_globals, None)
{error}
"""


class Store:
    """The folder `<root>/<pipeline>/<run>` of one run."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "v2/artifacts/train-and-deploy" / RUN

    @property
    def summary(self) -> str:
        return str(self.folder / "report-run/5d1f/summary")

    def put(self, path: str, text: str = "") -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def done(self, task: str, artifact: str = "out", execution: str = "a1") -> None:
        self.put(f"{task}/{execution}/executor-logs-0", "fine\n")
        self.put(f"{task}/{execution}/{artifact}", "content")

    def failed(self, task: str, error: str, execution: str = "a1", attempt: int = 0) -> None:
        text = TRACEBACK.format(error=error)
        self.put(f"{task}/{execution}/executor-logs-{attempt}", text)

    def judged(self, task: str, passed: bool, *texts: str) -> None:
        reasons = tuple(Reason(severity="ERROR", subject="x", kind="y", text=t) for t in texts)
        step = task.replace("-", "_")
        self.put(f"{task}/a1/executor-logs-0", "fine\n")
        outcome.write(
            Outcome(step=step, passed=passed, reasons=reasons), self.folder / task / "a1/outcome"
        )

    def pushed(self, **changes: Any) -> None:
        endpoint = {
            "format": 1,
            "pushed": True,
            "reason": "",
            "name": "tips",
            "namespace": "ml",
            "revision": "tips-predictor-00002",
            "url": "http://tips.ml.example.com",
            "storage_uri": "s3://models/tips/0a1b2c3d4e5f6a7b/model",
            "percent": 10,
            "checks": [],
        }
        self.put("push-model/a1/executor-logs-0", "fine\n")
        self.put("push-model/a1/endpoint/endpoint.json", json.dumps(endpoint | changes))
