"""A real browser without a window: what a person sees who opens a page from its folder."""

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")
QUIET += ("--disable-background-networking", "--disable-component-update", "--disable-sync")


class _Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._inside = tag in ("h1", "h2")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)


def headings(page: Path, profile: Path) -> list[str]:
    """Return the headings that the browser shows; none when it shows the page's source as text.

    `profile` is a folder for the browser's own files.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no browser: install Debian's package chromium")
    command = [
        program,
        *QUIET,
        f"--user-data-dir={profile}",
        "--dump-dom",
        page.absolute().as_uri(),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    parser = _Headings()
    parser.feed(shown.stdout)
    return parser.found
