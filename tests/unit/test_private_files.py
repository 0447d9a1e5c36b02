"""What a program keeps is its user's alone; what a person asks for by name is as the umask says."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from paper_world import NAMESPACE, SERVICE, Paper

from kanaria.components.shared.storage import atomic, owner_only_files
from kanaria.pipelines.local import record, step_process
from kanaria.pipelines.local.cache import Cache
from kanaria.pipelines.local.run_page import page
from kanaria.pipelines.local.step import StepOutputs
from kanaria.serving.databases.database import StoreError
from kanaria.serving.file_lease import FileLease
from kanaria.serving.local.state import state_folder
from kanaria.serving.payload_log.exchanges import Label
from kanaria.serving.payload_log.open_store import open_store
from kanaria.serving.rollout.control import messages, operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.policy.rollout_policy import Policy


@pytest.fixture(params=[0o000, 0o022, 0o277], autouse=True)
def _umask(
    request: pytest.FixtureRequest,
    tmp_path: Path,  # noqa: ARG001 - made while the mask is still the usual one.
) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def _run(place: Path) -> None:
    run = record.new("toy", {}, {"task": []})
    folder = place / "runs" / run.run_id
    with record.held(owner_only_files.folder(folder)):
        record.write(run, folder)
        page.write(run, folder)
        command = [sys.executable, "-c", "print(1)"]
        start = partial(step_process.Own, command)
        step_process.run(start, folder / "log.txt", dict(os.environ), lambda: None)


def _serving(place: Path) -> None:
    with state_folder.served(place):
        service = state_folder.Service(place, "default", "taxi")
        with service.changing():
            service.apply({"kind": "InferenceService"})
        service.write_observed(state_folder.Observed())
        state_folder.announce(place, "http://127.0.0.1:1")


def _rollout(place: Path) -> None:
    paper, store = Paper(), FileStore(place)
    paper.push("v1")
    paper.push("v2")
    operations.start(
        store, paper, NAMESPACE, SERVICE, operations.Beginning(policy=Policy(), who="kim", now=0.0)
    )
    lease = FileLease(place / NAMESPACE / SERVICE / "rollouts/controller.lock")
    assert lease.hold()
    lease.release()


def _events(place: Path) -> None:
    events = open_store(str(place / "deep" / "events.db"))
    events.apply([Label(request_id="a", row=0, value=1, time=1.0)], 1.0)


def _cache(place: Path) -> None:
    Cache(place / "cache").store("key", StepOutputs(parameters={}, artifacts={}, log=""))


@pytest.mark.parametrize("keep", [_run, _serving, _rollout, _events, _cache])
def test_what_is_kept_is_the_users_alone(tmp_path: Path, keep: Callable[[Path], None]):
    place = tmp_path / "new" / "root"
    keep(place)
    paths = [place, *place.rglob("*")]
    modes = {path.relative_to(place): stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert {mode for path, mode in modes.items() if (place / path).is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if (place / path).is_file()} == {0o600}
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_what_is_there_already_keeps_its_permissions(tmp_path: Path):
    place = tmp_path / "opened"
    place.mkdir()
    place.chmod(0o755)
    owner_only_files.opened(place / "log", "w").close()
    (place / "log").chmod(0o640)
    owner_only_files.folder(place)
    owner_only_files.opened(place / "log", "a").close()
    assert stat.S_IMODE(place.stat().st_mode) == 0o755
    assert stat.S_IMODE((place / "log").stat().st_mode) == 0o640


def test_a_page_that_is_asked_for_by_name_is_made_as_the_umask_says(tmp_path: Path):
    _rollout(tmp_path / "state")
    store = FileStore(tmp_path / "state")
    page = tmp_path / "rollout.html"
    messages.write_timeline(store, store.load(NAMESPACE, SERVICE).rollout, page)
    atomic.write_text(tmp_path / "plain", "")
    assert page.stat().st_mode == (tmp_path / "plain").stat().st_mode
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(page.stat().st_mode) == 0o666 & ~umask


def test_a_store_that_cannot_be_made_is_said_so(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"events\.db: Not a directory; name another"):
        open_store(str(tmp_path / "file" / "events.db"))
