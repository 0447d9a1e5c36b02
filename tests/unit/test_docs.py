"""The pages that people read: links lead somewhere, and shell blocks hold what exists."""

import re
import shlex
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import yaml

from kanaria.pipelines import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", ".github/*.md", ".github/decisions/*.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
) + sorted(
    path
    for room in ("components", "pipelines", "serving")
    for path in ROOT.glob(f"{room}/*/README.md")
)
KNOWN_PROGRAMS = {
    "cat",
    "cd",
    "cp",
    "curl",
    "docker",
    "export",
    "feast",
    "git",
    "kubectl",
    "openssl",
    "mkdir",
    "podman",
    "python",
    "set",
    "sudo",
}
"""Of shell blocks, beside `make` and `kanaria`; a reader has them, or the page says from where."""
SEPARATORS = {"&&", ";", "|"}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return what GitHub and the site call the headings of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def words(text: str) -> list[str]:
    """Return the words and operators of a piece of shell; a comment is none.

    Raises:
        ValueError: a quote is still open.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    return list(lexer)


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the commands of a page's shell blocks, each as its words."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        text = ""
        for line in block.replace("\\\n", " ").splitlines():
            text += f"{line} "
            try:
                split = words(text)
            except ValueError:
                continue  # A quoted text goes on in the next line.
            text = ""
            yield from (
                list(group) for end, group in groupby(split, SEPARATORS.__contains__) if not end
            )
        assert not text.strip(), f"{name(page)}: {text}"


SHELL = [command for page in PAGES for command in commands(page)]


def of(program: str) -> list[list[str]]:
    return [command for command in SHELL if command[0] == program]


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= {"image-training", "image-control"}
    assert {word for _, word, *_ in of("make")} - targets == set()


@pytest.mark.parametrize("command", of("kanaria"), ids=shlex.join)
def test_the_command_line_takes_each_kanaria_command(command: list[str]):
    # What the main ones do is tested where they run; here no option or verb may have been renamed.
    if "--help" not in command:
        assert isinstance(cli.parser().parse_args(command[1:]), Namespace)


def test_other_programs_are_those_that_a_reader_has():
    programs = {command[0].rpartition("/")[2] or "." for command in SHELL}
    programs = {one for one in programs if not re.match(r"[A-Z_]+=|\.$", one)}
    assert programs - KNOWN_PROGRAMS - {"make", "kanaria"} == set()


def test_yaml_blocks_are_yaml():
    for page in PAGES:
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            list(yaml.safe_load_all(block))


def test_the_generated_pages_are_up_to_date():
    script = ROOT / ".github/scripts/reference_pages.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_the_index_of_decisions_lists_every_record_by_its_title():
    folder = ROOT / ".github/decisions"
    rows = re.findall(
        r"^\| \[(\d{4})\]\((.*?)\) (.*?) \|", (folder / "README.md").read_text(), re.M
    )
    titles = {page.name: page.read_text().splitlines()[0] for page in folder.glob("0*.md")}
    assert {file: f"# {number} {title}" for number, file, title in rows} == titles


def test_the_tree_of_the_readme_names_every_top_folder():
    (tree,) = re.findall(
        r"## The house\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    named = set(re.findall(r"^(\w+)/? ", tree, re.MULTILINE))
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {line.split("/")[0] for line in listed.stdout.splitlines() if "/" in line}
    assert {one for one in folders if not one.startswith(".")} - named == set()
