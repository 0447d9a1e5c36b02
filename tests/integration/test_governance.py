"""A signed release with its model card, from one run of the main job, served by who verifies it."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from markdown_it import MarkdownIt
from signing_keys import Pair, pair
from workspace import KANARIA, Workspace

from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture(scope="module")
def release(workspace: Workspace, keys: Pair) -> Path:
    """A release that was pushed with a key and fields of a card; the server wants it signed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VERIFY_KEY, str(keys.public))
        with workspace.serving() as url:
            finished = workspace.run(
                f"delivery.signing_key={keys.private}",
                "delivery.card.owner=Team Tips",
                "delivery.card.license=Apache-2.0",
            )
            assert finished.code == 0, finished.errors
            workspace.until_ready(url)
            (service,) = httpx.get(url).json()["services"]
            assert list(service["traffic"].values()) == [100]
    (signature,) = workspace.root.glob("**/taxi-tips/*/release.sig")
    return signature.parent


def cells(text: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text.partition("\n---\n")[2]):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level > 2:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def artifact(workspace: Workspace, task: str, name: str) -> Path:
    record = json.loads((workspace.newest_run() / "run.json").read_text())
    named = {each["name"].rpartition("/")[2]: each for each in record["tasks"]}
    return Path(named[task]["artifacts"][name])


def test_the_card_says_what_the_evaluation_said_digit_for_digit(
    workspace: Workspace, release: Path
):
    values = json.loads(
        (artifact(workspace, "evaluate-model", "evaluation") / "findings.json").read_text()
    )
    rows = cells((release / "model_card.md").read_text())
    table = {(row[0], row[1]): row[3] for row in rows if len(row) == 7}
    expected = [one for one in values["values"] if one["metric"] != "example_count"]
    assert len(expected) > 4
    for one in expected:
        text = table[one["metric"], one["slice"] or "all rows"]
        assert text == "–" if one["candidate"] in (None, "nan") else float(text) == one["candidate"]
    counts = {
        v["slice"]: v["candidate"] for v in values["values"] if v["metric"] == "example_count"
    }
    assert table["example_count", "all rows"] == str(int(counts[""]))
    facts = {row[0]: row[1] for row in rows if len(row) == 2}
    assert facts["owner"] == "Team Tips" and facts["framework"] == "tensorflow"
    assert int(facts["rows of eval"]) == counts[""] == values["row_count"]
    assert facts["files"] == "1" and facts["signature"].startswith("release.sig, by the key")
    assert [row[2] for row in rows if len(row) == 5][1:] == ["push", "pushed"]


def test_the_runs_page_leads_to_the_card(workspace: Workspace, release: Path):
    page = artifact(workspace, "push-model", "model_card")
    assert page.read_text() == (release / "model_card.html").read_text()
    assert "push-model/model_card.html" in (workspace.newest_run() / "index.html").read_text()
    command = [KANARIA, "card", "taxi-tips", "--state", workspace.root / "serving"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == (release / "model_card.md").read_text(), done.stderr


def test_nothing_of_the_private_key_is_left_anywhere(workspace: Workspace, keys: Pair):
    secret = keys.private.read_bytes().splitlines()[1]
    assert len(secret) > 40
    for path in workspace.folder.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


def test_the_release_is_verified_by_others_too_and_one_byte_is_found(release: Path, keys: Pair):
    command = [KANARIA, "verify", release, "--key", keys.public]
    assert subprocess.run(command).returncode == 0
    tool = [sys.executable, "-m", "model_signing", "verify", "key", release]
    signature = ["--public_key", keys.public, "--signature", release / "release.sig"]
    assert subprocess.run([*tool, *signature]).returncode == 0
    graph = next(release.glob("model/*/saved_model.pb"))
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{graph.parent.name}/saved_model.pb is not what was signed" in done.stderr


def test_a_run_reads_nothing_of_a_live_release_that_was_tampered_with(
    workspace: Workspace, release: Path, keys: Pair
):
    statistics = release / "statistics/train/FeatureStats.pb"
    statistics.write_bytes(statistics.read_bytes() + b"\n\x00")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VERIFY_KEY, str(keys.public))
        with workspace.serving():
            finished = workspace.run(f"delivery.signing_key={keys.private}")
    assert finished.code == 1
    said = "not the signed release: statistics/train/FeatureStats.pb is not what was signed"
    assert said in finished.errors
