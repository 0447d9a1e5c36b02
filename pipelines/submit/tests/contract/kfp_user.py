"""A user of a KFP server who types `kanaria submit` and `kanaria schedule`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp_server
import pytest

from kanaria.pipelines import cli


@dataclass
class Ended:
    code: int
    output: str
    errors: str


@dataclass
class Kfp:
    """A KFP server, and the command line of a user of it."""

    url: str
    state: kfp_server.State
    folder: Path
    capture: pytest.CaptureFixture[str]

    def kanaria(self, *words: str) -> Ended:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr("sys.argv", ["kanaria", *words])
            cli.main()
        output, errors = self.capture.readouterr()
        return Ended(int(ended.value.code or 0), output, errors)

    def arguments(self, **changed: str) -> list[str]:
        """Return the words of a pipeline that can be run: data in a bucket, files here."""
        values = {
            "data": "s3://bucket/data/*.csv",
            "module_file": str(self.folder / "module.py"),
            "eval_config_file": str(self.folder / "eval.pbtxt"),
            "service_name": "tips",
            **changed,
        }
        words = ["train_and_deploy", "--host", self.url]
        words += ["--pipeline-root", f"file://{self.folder}/root"]
        for name, value in values.items():
            words += ["--set", f"{name}={value}"]
        return words

    def submit(self, *options: str, **changed: str) -> Ended:
        return self.kanaria("submit", *self.arguments(**changed), *options)

    def schedule(self, name: str, *options: str, **changed: str) -> Ended:
        return self.kanaria("schedule", "create", name, *self.arguments(**changed), *options)

    def verb(self, verb: str, *names: str) -> Ended:
        return self.kanaria("schedule", verb, *names, "--host", self.url)

    @property
    def run(self) -> dict[str, Any]:
        return list(self.state.runs.values())[-1]
