"""A model server on KServe's own, for tests: adds numbers and tells which version did it.

The model is a folder with `model.json`, as deep in the model's folder as it likes; without one the
server ends with an error, as a server does whose model cannot be loaded.

    {"version": TEXT, "seconds": NUMBER, "refuses": BOOLEAN}

`seconds` is how long each answer takes, 0 without it; a model that refuses answers 400 to all.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from kserve import Model, ModelServer, model_server
from kserve.errors import InvalidInput


class Adder(Model):
    """Answers with the sum of each instance."""

    def __init__(self, name: str, folder: Path):
        super().__init__(name)
        self._folder = folder
        self._model: dict[str, Any] = {}

    def load(self) -> bool:
        """Read the model."""
        models = sorted(self._folder.rglob("model.json"))
        if not models:
            raise RuntimeError(f"{self._folder}: no model.json in it")
        self._model = json.loads(models[0].read_text())
        self.ready = True
        return True

    async def predict(self, payload: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """Answer version 1 of the protocol."""
        await asyncio.sleep(self._model.get("seconds", 0))
        if self._model.get("refuses"):
            raise InvalidInput("instances: these are not the inputs of this model")
        sums = [sum(instance) for instance in payload["instances"]]
        return {"predictions": sums, "version": self._model["version"]}


def main() -> None:
    """Load the model, then serve it."""
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--model_dir", type=Path, default=Path("/mnt/models"))
    arguments, _ = parser.parse_known_args()
    model = Adder(arguments.model_name, arguments.model_dir)
    model.load()
    ModelServer(workers=1).start([model])


if __name__ == "__main__":
    main()
