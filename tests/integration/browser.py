"""A real browser without a window: what a person sees, and what the page does, told by DevTools."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# A sandboxed frame in a process of its own would tell its requests and errors to nobody here.
QUIET += ["--disable-features=IsolateSandboxedIframes"]
SECONDS = 60
"""After which a browser that does not answer fails the test."""


class Tab:
    """One tab.

    Attributes:
        errors: what its console told as an error, and what its scripts threw.
        requests: what it loaded, by URL.
    """

    def __init__(self, address: str) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._count = 0
        self._socket = websocket.create_connection(address, timeout=SECONDS, suppress_origin=True)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Have DevTools do something, and note what the page tells meanwhile."""
        self._count += 1
        sent = self._count
        self._socket.send(json.dumps({"id": sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            self._note(message.get("method"), message.get("params", {}))
            if message.get("id") == sent:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def _note(self, event: str | None, about: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(about["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.errors.append(json.dumps(about["args"]))
        elif event == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.errors.append(about["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])

    def look(self, *, width: int, height: int = 1000, dark: bool = False) -> None:
        """Give the tab a size and a mode."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=False)
        mode = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[mode])

    def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        """Return what an expression of JavaScript, or its promise, gives."""
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", **parameters)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true."""
        until = time.monotonic() + SECONDS
        while not self.value(script):
            assert time.monotonic() < until, f"not within {SECONDS} s: {script}; {self.errors}"
            time.sleep(0.05)

    def shot(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def headings(self) -> list[str]:
        """Return the headings shown; none where it shows a page's source as text."""
        return self.value("[...document.querySelectorAll('h1, h2')].map(h => h.textContent)")

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


@contextmanager
def started(profile: Path) -> Iterator[Tab]:
    """Yield a tab of a new browser; `profile` is a folder for the browser's own files."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no browser: install Debian's package chromium")
    command = [program, *QUIET, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    port_file = profile / "DevToolsActivePort"
    with subprocess.Popen([*command, "about:blank"], stderr=subprocess.DEVNULL) as process:
        try:
            with closing(Tab(_address(port_file, process))) as tab:
                yield tab
        finally:
            process.terminate()


def _address(port_file: Path, process: subprocess.Popen[bytes]) -> str:
    """Return where the first tab of a browser is spoken to."""
    until = time.monotonic() + SECONDS
    while not (port_file.is_file() and "\n" in port_file.read_text()):
        assert process.poll() is None, "the browser ended"
        assert time.monotonic() < until, f"no browser within {SECONDS} s"
        time.sleep(0.05)
    port = port_file.read_text().split("\n")[0]
    tabs = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
    return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
