"""Every kind of tampering with a signed release is refused, by whoever opens a part of it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import object_stores
import pytest
from signed_releases import published, sign
from signing_keys import Pair, pair

from kanaria.components.shared.artifacts import release, verified_release
from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY, VerifyKeys
from kanaria.components.shared.errors import DataError, KanariaError, ParameterError
from kanaria.components.shared.storage import uri_files


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture(scope="module")
def trusted(keys: Pair) -> VerifyKeys:
    return VerifyKeys.of_file(keys.public)


@pytest.fixture
def home(tmp_path: Path, keys: Pair) -> Path:
    return published(tmp_path / "models", keys)


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def in_its_place(path: Path) -> None:
    """Put a link to the very bytes in a file's place."""
    away = path.parents[4] / "away"
    path.rename(away)
    path.symlink_to(away)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed bit": (lambda part: changed(part / "1/saved_model.pb"), "is not what was signed"),
    "a missing file": (lambda part: (part / "1/saved_model.pb").unlink(), "is missing"),
    "a missing part": (shutil.rmtree, "is missing"),
    "an added file": (lambda part: (part / "1/own.so").touch(), "1/own.so was added"),
    "a file of git": (lambda part: (part / ".gitignore").touch(), ".gitignore was added"),
    "a name of two lines": (lambda part: (part / "a\nb").touch(), r"'model/a\nb' was added"),
    "a moved file": (
        lambda part: (part / "1/.hidden").rename(part / "1/b"),
        "model/1/.hidden is missing, model/1/b was added",
    ),
    "a moved part": (lambda part: part.rename(part.with_name("models")), "is missing"),
    "a link to a file": (
        lambda part: (part / "1/link").symlink_to("/etc/hostname"),
        "model/1/link is a link",
    ),
    "a link in a file's place": (lambda part: in_its_place(part / "1/.hidden"), "is a link"),
    "a link to a folder": (lambda part: (part / "2").symlink_to(part / "1"), "model/2 is a link"),
    "a pipe": (lambda part: os.mkfifo(part / "pipe"), "pipe is neither a file nor a folder"),
    "a pipe in a file's place": (
        lambda part: ((part / "1/.hidden").unlink(), os.mkfifo(part / "1/.hidden")),
        "1/.hidden is neither a file nor a folder",
    ),
}


def refusals(home: Path, part: str, trusted: VerifyKeys) -> list[str]:
    """Return why the whole release, and a part of it, are refused."""
    texts = []
    with pytest.raises(KanariaError) as whole:
        verified_release.check(str(home), trusted)
    texts.append(str(whole.value))
    with pytest.raises(KanariaError) as opening, verified_release.opened(str(home), part, trusted):
        pass
    texts.append(str(opening.value))
    assert all("\n" not in text for text in texts)
    return texts


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_not_the_signed_release_is_refused_by_the_name_of_the_file(
    kind: str, home: Path, trusted: VerifyKeys
):
    verified_release.check(str(home), trusted)
    change, said = CHANGES[kind]
    change(home / "model")
    for text in refusals(home, "model", trusted):
        assert text.startswith(f"{home}: not the signed release: ") and said in text


@pytest.mark.parametrize(
    "part", ["schema", "statistics", "drift_detector", "serving_samples", "release.json"]
)
def test_every_part_is_signed(part: str, home: Path, trusted: VerifyKeys):
    file = next(path for path in (home / part, *(home / part).rglob("*")) if path.is_file())
    changed(file)
    said = f"{file.relative_to(home).as_posix()} is not what was signed"
    assert all(said in text for text in refusals(home, part, trusted))


def test_what_is_written_after_the_signature_is_left_out_and_nothing_else(
    home: Path, trusted: VerifyKeys
):
    for name in (release.CARD, release.CARD_PAGE, release.CARD_DOCUMENT):
        (home / name).write_text("of a later push")
    verified_release.check(str(home), trusted)
    (home / "model/model_card.md").write_text("inside")
    assert "model/model_card.md was added" in refusals(home, "model", trusted)[0]
    (home / "model/model_card.md").unlink()
    (home / "more.txt").touch()
    with pytest.raises(DataError, match=r"more\.txt was added"):
        verified_release.check(str(home), trusted)


@pytest.mark.parametrize("whole", [True, False])
def test_another_signed_release_does_not_pass_under_this_ones_name(
    whole: bool, home: Path, tmp_path: Path, keys: Pair, trusted: VerifyKeys
):
    older = published(tmp_path / "older", keys, graph="older graph")
    if whole:
        shutil.rmtree(home)
        shutil.copytree(older, home)
        said = f"it is the signed release tips/{older.name} under another name"
    else:  # Its model, signed by the same key, in a release that keeps its own record.
        shutil.rmtree(home / "model")
        shutil.copytree(older / "model", home / "model")
        said = "model/1/saved_model.pb is not what was signed"
    assert all(said in text for text in refusals(home, "model", trusted))


def test_a_signed_release_of_another_service_does_not_pass(
    tmp_path: Path, keys: Pair, trusted: VerifyKeys
):
    other = published(tmp_path, keys, service="fraud")
    place = tmp_path / "tips" / other.name
    shutil.copytree(other, place)
    said = f"it is the signed release fraud/{other.name} under another name"
    assert all(said in text for text in refusals(place, "model", trusted))


def test_the_signature_of_another_release_is_refused(
    home: Path, tmp_path: Path, keys: Pair, trusted: VerifyKeys
):
    other = published(tmp_path / "other", keys, graph="another graph")
    shutil.copyfile(other / release.SIGNATURE, home / release.SIGNATURE)
    assert all("is not what was signed" in text for text in refusals(home, "model", trusted))


def test_without_a_signature_it_is_not_signed_whatever_an_older_one_says(
    home: Path, trusted: VerifyKeys
):
    (home / release.SIGNATURE).rename(home / "model.sig")
    assert all("not signed: there is no" in text for text in refusals(home, "model", trusted))


def test_a_signature_by_another_key_is_refused(
    home: Path, keys: Pair, trusted: VerifyKeys, tmp_path: Path
):
    other = pair(tmp_path, "other")
    own = json.loads((home / release.SIGNATURE).read_text())
    (home / release.SIGNATURE).unlink()
    sign(home, other)
    said = f"it was signed with another key than {keys.public}"
    assert all(said in text for text in refusals(home, "model", trusted))
    # Whoever changes the name of the key in it has not signed it with that key, nor who names none.
    forged = json.loads((home / release.SIGNATURE).read_text())
    for material in (own["verificationMaterial"], {"publicKey": {}}):
        text = json.dumps({**forged, "verificationMaterial": material})
        (home / release.SIGNATURE).write_text(text)
        said = f"its signature was not made with {keys.public}"
        assert all(said in text for text in refusals(home, "model", trusted))


def test_while_a_key_is_changed_releases_of_both_are_taken(home: Path, keys: Pair, tmp_path: Path):
    newer = pair(tmp_path, "newer")
    both = tmp_path / "both.pem"
    both.write_text(newer.public.read_text() + keys.public.read_text())
    later = published(tmp_path / "later", newer)
    for folder in (home, later):
        verified_release.check(str(folder), VerifyKeys.of_file(both))
    with pytest.raises(DataError, match="signed with another key"):
        verified_release.check(str(home), VerifyKeys.of_file(newer.public))


NO_SIGNATURES = {
    "empty": "",
    "no object": "[]",
    "null": "null",
    "no envelope": "{}",
    "deep": "[" * 100_000,
    "not text": "\udcff",
}


@pytest.mark.parametrize("kind", NO_SIGNATURES)
def test_what_is_no_signature_is_said_to_be_none(kind: str, home: Path, trusted: VerifyKeys):
    content = NO_SIGNATURES[kind].encode("utf-8", "surrogateescape")
    (home / release.SIGNATURE).write_bytes(content)
    why = "not UTF-8" if kind == "not text" else "its signature is unreadable"
    assert all(why in text for text in refusals(home, "model", trusted))


ENVELOPES = {
    "no signer": {"signatures": []},
    "two signers": {"signatures": [{"sig": "AA=="}, {"sig": "AA=="}]},
    "no base64": {"signatures": [{"sig": "!"}]},
    "another kind": {"payloadType": "text/plain"},
    "another payload": {"payload": "e30="},
    "a kind that is no text": {"payloadType": 7},
}


@pytest.mark.parametrize("kind", ENVELOPES)
def test_an_envelope_is_taken_as_it_was_signed(kind: str, home: Path, trusted: VerifyKeys):
    bundle = json.loads((home / release.SIGNATURE).read_text())
    bundle["dsseEnvelope"] |= ENVELOPES[kind]
    (home / release.SIGNATURE).write_text(json.dumps(bundle))
    assert all(
        "not the signed release: its signature" in text for text in refusals(home, "model", trusted)
    )


def test_what_was_verified_is_what_is_loaded(home: Path, trusted: VerifyKeys):
    with verified_release.opened(str(home), "model", trusted) as folder:
        assert folder
        (home / "model/1/saved_model.pb").write_text("written after it was verified")
        assert (folder / "1/saved_model.pb").read_text() == "graph"
        assert folder.parent.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_a_part_that_a_release_never_had_is_none_and_a_removed_one_is_missing(
    home: Path, trusted: VerifyKeys
):
    with verified_release.opened(str(home), "explanations", trusted) as folder:
        assert folder is None
    shutil.rmtree(home / "drift_detector")
    with (
        pytest.raises(DataError, match=r"drift_detector/detector\.json is missing"),
        verified_release.opened(str(home), "drift_detector", trusted),
    ):
        pass


def test_the_environment_asks_for_a_signature(
    home: Path, keys: Pair, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VERIFY_KEY, str(keys.public))
    assert verified_release.record(str(home)).service == "tips"
    changed(home / "release.json")
    with pytest.raises(DataError, match=r"release\.json is not what was signed"):
        verified_release.record(str(home))
    changed(home / "release.json")
    monkeypatch.setenv(VERIFY_KEY, keys.public.read_text())
    assert verified_release.record(str(home)).service == "tips"
    monkeypatch.setenv(VERIFY_KEY, keys.private.read_text())
    with pytest.raises(ParameterError) as refusal:
        verified_release.record(str(home))
    assert keys.private.read_text().splitlines()[1] not in str(refusal.value)
    monkeypatch.setenv(VERIFY_KEY, str(keys.private))
    with pytest.raises(ParameterError, match=r"verifying key .*: no PUBLIC KEY in it"):
        verified_release.record(str(home))
    monkeypatch.delenv(VERIFY_KEY)
    with verified_release.opened(str(home), "model") as folder:
        assert folder == home / "model"


def test_a_release_in_a_bucket_is_copied_verified_and_loaded_from_the_copy(
    home: Path, trusted: VerifyKeys, monkeypatch: pytest.MonkeyPatch
):
    with object_stores.minio() as bucket:
        bucket.use(monkeypatch)
        uri = f"{bucket.uri}/tips/{home.name}"
        uri_files.publish(home, uri, last=release.LINEAGE)
        with verified_release.opened(uri, "drift_detector", trusted) as folder:
            assert folder
            assert (folder / "reference.npz").read_text() == "rows"
        verified_release.check(uri, trusted)
        uri_files.write_text(f"{uri}/drift_detector/reference.npz", "other")
        with verified_release.opened(uri, "model", trusted) as folder:
            assert folder
        said = "drift_detector/reference.npz is not what was signed"
        with pytest.raises(DataError, match=said):
            verified_release.check(uri, trusted)
        with (
            pytest.raises(DataError, match=said),
            verified_release.opened(uri, "drift_detector", trusted),
        ):
            pass
