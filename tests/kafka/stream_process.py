"""A stream as a process, as `kanaria stream` starts it."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from kafka_topics import Topics, until

from kanaria.components.shared.config import yaml_text


class Streaming:
    """A process that answers the messages of a topic; its topics outlive it."""

    def __init__(self, folder: Path, config: Mapping[str, Any], state: Path):
        """Start one; several may have one config."""
        number = len(list(folder.glob("stream-*.log")))
        file, self.log = folder / f"stream-{number}.yaml", folder / f"stream-{number}.log"
        file.write_text(yaml_text.dump({**config}))
        command = [sys.executable, "-m", "kanaria.serving.stream", "--config", str(file)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--state", str(state)], stdout=log, stderr=log
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        line = until(lambda: re.search(r"probes and metrics on port (\d+)", self.said))
        assert isinstance(line, re.Match)
        return f"http://127.0.0.1:{line[1]}"

    def is_ready(self) -> bool:
        return httpx.get(f"{self.url}/readyz").is_success

    def metric(self, name: str) -> float:
        """Return the value of a series, NaN where there is none yet."""
        text = httpx.get(f"{self.url}/metrics").text
        match = re.search(rf"^kanaria_stream_{re.escape(name)} (.*)$", text, re.M)
        return float(match[1] if match else "nan")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=300)

    def close(self) -> None:
        print(self.said[-3000:])  # Shown where the test fails.
        if self.process.poll() is None:
            self.kill()


def config(topics: Topics, model: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a config with new topics; `partitions` is of the input topic."""
    partitions = more.pop("partitions", 2)
    named = {
        "input": topics.new(partitions),
        "output": topics.new(),
        "dead_letters": topics.new(),
    } | more.pop("named", {})
    return {
        "group": f"group-{named['input']}",
        "kafka": {"bootstrap.servers": topics.address, "session.timeout.ms": 6000}
        | more.pop("kafka", {}),
        "topics": named,
        "model": dict(model),
        "batch": {"messages": 16, "milliseconds": 50},
        **more,
    }


def row(number: int) -> bytes:
    """Return a message whose answer has the score 100 + 2 * number."""
    return json.dumps({"x": float(number), "n": number, "word": f"w{number}"}).encode()


def headers(message: Any) -> dict[str, str]:
    """Return a message's headers as text."""
    return {name: (value or b"").decode() for name, value in message.headers() or ()}
