"""`kanaria card`, `kanaria sign` and `kanaria verify` as they are typed."""

import subprocess
import sys
from pathlib import Path

import pytest
from signing_keys import Pair, pair

from kanaria.components.push import release_signature
from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.push.release_card import CardSources, PublishedRelease, written
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.artifacts.release import Record
from kanaria.serving.card_fields import CardFields
from kanaria.serving.signature_keys import SignatureKeys

KANARIA = Path(sys.executable).with_name("kanaria")


def kanaria(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KANARIA, *map(str, words)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture
def release(tmp_path: Path, keys: Pair) -> str:
    """A signed release with a card."""
    parts = {name: tmp_path / name for name in ("model", "schema", "statistics")}
    for path in parts.values():
        (path / "1").mkdir(parents=True)
        (path / "1/saved_model.pb").write_text("graph")
    record = Record(service="tips", outcome="passed", fingerprint="", contents={})
    uri = publish(Sources(**parts), str(tmp_path / "models/tips"), record)
    release_signature.settle(uri, Sources(**parts), SignatureKeys(signing=keys.private))
    pushed = PublishedRelease(
        uri=uri,
        namespace="default",
        outcomes=(Outcome(step="bless_model", passed=True),),
        samples=None,
        has_detector=False,
        fields=CardFields(owner="routing"),
    )
    written(pushed, CardSources())
    return uri


def test_verify_says_that_every_file_is_as_signed_and_which_is_not(release: str, keys: Pair):
    done = kanaria("verify", release, "--key", keys.public)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{release}: every file is as it was signed for {keys.public}\n"
    Path(release, "model/1/more").touch()
    done = kanaria("verify", release, "--key", keys.public)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {release}: not the signed release: model/1/more was added; ask")


def test_sign_signs_what_was_published_unsigned_and_replaces_no_signature(release: str, keys: Pair):
    done = kanaria("sign", release, "--key", keys.private)
    assert done.returncode == 1 and "release.sig: it is signed; verify it" in done.stderr
    Path(release, "release.sig").unlink()
    done = kanaria("sign", f"{release}/model", "--key", keys.private)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{release}/release.sig: signs every file of the release\n"
    assert kanaria("verify", release, "--key", keys.public).returncode == 0


def test_card_prints_the_card_or_writes_it(release: str, tmp_path: Path):
    done = kanaria("card", release)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == Path(release, "model_card.md").read_text()
    assert "| owner | routing |" in done.stdout
    page = tmp_path / "card.html"
    assert kanaria("card", release, "--output", page).returncode == 0
    assert page.read_text() == Path(release, "model_card.html").read_text()
    done = kanaria("card", release, "--output", tmp_path / "card.pdf")
    assert done.returncode == 1 and "name a file .md or .html" in done.stderr
