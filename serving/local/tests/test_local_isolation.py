"""Faulty files of one service, before a controller that serves others beside it."""

import asyncio
import json
import os
from contextlib import asynccontextmanager

import pytest

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.controller.reconcile import adopt, mark_ready
from kanaria.serving.local.controller.service_controller import Controller
from kanaria.serving.local.state import state_folder
from kanaria.serving.local.state.file_changes import FileChanges
from kanaria.serving.local.state.state_folder import Observed

FIRST = "shop-predictor-00001"
STOP = {"serving.kserve.io/stop": "true"}
"""No predictor is started, so these tests load no TensorFlow."""


def manifest(name, **more):
    return build(ServiceSpec(name=name, storage_uri="/models/one", annotations=STOP, **more))


def applied(state, name, **more):
    """Apply a manifest as a server has taken it over, its first revision ready."""
    service = state_folder.service_of(state, manifest(name, **more))
    service.replace(manifest(name, **more))
    adopted = adopt(Observed(), manifest(name, **more), service.applied())
    service.write_observed(mark_ready(adopted, f"{name}-predictor-00001"))
    return service


@asynccontextmanager
async def controlled(state):
    controller = Controller(state, "http://127.0.0.1:1")
    try:
        yield controller
    finally:
        await controller.stop()


async def until(controller, holds):
    async with asyncio.timeout(30):
        while not holds():
            controller.poll()
            await asyncio.sleep(0.02)


def live(controller, name="shop"):
    services = controller.find(name)
    return services[0] if services else None


def fault(controller, name="shop"):
    return live(controller, name).fault if live(controller, name) else ""


def test_what_was_applied_is_taken_at_once_and_what_was_edited_when_it_rests(tmp_path):
    seconds = [0.0]
    service = state_folder.service_of(tmp_path, manifest("shop"))
    service.replace(manifest("shop"))
    path = service.folder / state_folder.MANIFEST
    looked = FileChanges(path, clock=lambda: seconds[0])
    assert looked.changed(service.is_as_written)
    assert not looked.changed(service.is_as_written)
    path.write_text(path.read_text()[:-20])
    changes = []
    for seconds[0] in (1.0, 1.2, 1.4, 1.6):
        changes.append(looked.changed(service.is_as_written))
    assert changes == [False, False, True, False]
    service.replace(manifest("shop", canary_percent=20))
    assert looked.changed(service.is_as_written)


def write_pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def write_folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def write_link(path):
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


DAMAGES = {
    "no YAML": lambda path: path.write_text("apiVersion: v1\n kind: [oops\n"),
    "empty": lambda path: path.write_text(""),
    "binary": lambda path: path.write_bytes(b"\x00\xff\x80"),
    "text": lambda path: path.write_text("hello"),
    "list": lambda path: path.write_text("- 1"),
    "surrogate": lambda path: path.write_text('kind: "\\ud800"'),
    "deep": lambda path: path.write_text("[" * 5000),
    "number": lambda path: path.write_text("7"),
    "a pipe": write_pipe,
    "a folder": write_folder,
    "a device": write_link,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_manifest_is_told_and_the_service_goes_on(tmp_path, damage):
    service = applied(tmp_path, "shop")
    applied(tmp_path, "other")

    async def run():
        async with controlled(tmp_path) as controller:
            await until(controller, lambda: live(controller) and live(controller).stopped)
            damage(service.folder / state_folder.MANIFEST)
            await until(controller, lambda: fault(controller))
            assert not fault(controller, "other")
            (service.folder / state_folder.MANIFEST).rename(service.folder / "away")
            service.replace(manifest("shop", canary_percent=5))
            await until(controller, lambda: not fault(controller))

    asyncio.run(run())
    assert service.observed().percent == 5
    assert service.observed().stable == FIRST


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_status_is_told_and_left_as_it_is(tmp_path, damage):
    service = applied(tmp_path, "shop")
    applied(tmp_path, "other")
    status = service.folder / state_folder.STATUS
    good = status.read_text()
    damage(status)
    before = status.lstat()

    async def run():
        async with controlled(tmp_path) as controller:
            await until(controller, lambda: fault(controller) and live(controller, "other").stopped)
            assert str(status) in fault(controller)
            assert "\n" not in fault(controller)
            assert (status.lstat().st_ino, status.lstat().st_mtime) == (
                before.st_ino,
                before.st_mtime,
            )
            status.rename(service.folder / "away")
            status.write_text(good)
            await until(controller, lambda: not fault(controller))

    asyncio.run(run())
    assert service.observed().stable == FIRST


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("percent", "20%", "percent"),
        ("percent", 400, "percent"),
        ("percent", 10.5, "percent"),
        ("percent", True, "percent"),
        ("stable", "gone-predictor-00009", "gone-predictor-00009"),
        ("ready", "shop-predictor-00001", "ready"),
        ("revisions", [{"name": "x"}], "revisions.0"),
        ("revisions", None, "revisions"),
        ("stabel", "x", "stabel"),
        ("failures", [], "failures"),
    ],
)
def test_a_status_that_contradicts_itself_is_told(tmp_path, field, value, reason):
    service = applied(tmp_path, "shop")
    path = service.folder / state_folder.STATUS
    raw = json.loads(path.read_text()) | {field: value}
    path.write_text(json.dumps(raw))

    async def run():
        async with controlled(tmp_path) as controller:
            await until(controller, lambda: fault(controller))
            assert reason in fault(controller)

    asyncio.run(run())
    assert json.loads(path.read_text()) == raw


def test_a_wrong_manifest_leaves_traffic_as_it_was_and_the_status_says_why(tmp_path):
    plain = build(ServiceSpec(name="shop", storage_uri="/models/one"))
    service = state_folder.service_of(tmp_path, plain)
    service.replace(plain)
    adopted = adopt(Observed(), plain, service.applied())
    service.write_observed(mark_ready(adopted, FIRST))
    wrong = service.folder / state_folder.MANIFEST

    async def run():
        async with controlled(tmp_path) as controller:
            controller.poll()
            plain["spec"]["predictor"]["canaryTrafficPercent"] = "20%"
            service.replace(plain)
            await until(controller, lambda: fault(controller))
            service_live = live(controller)
            assert [(s.revision, s.percent) for s in service_live.shares] == [(FIRST, 100)]

    asyncio.run(run())
    conditions = service.observed().status["conditions"]
    message = next(c["message"] for c in conditions if c["type"] == "Ready")
    assert message == f"{wrong}: spec.predictor.canaryTrafficPercent='20%': write an integer"


def test_a_manifest_that_was_wrong_from_the_start_serves_nothing(tmp_path):
    folder = tmp_path / "default" / "shop"
    folder.mkdir(parents=True)
    (folder / state_folder.MANIFEST).write_text("kind: Deployment")

    async def run():
        async with controlled(tmp_path) as controller:
            await until(controller, lambda: fault(controller))
            assert live(controller).shares == ()

    asyncio.run(run())


def test_a_manifest_of_another_service_is_not_taken(tmp_path):
    service = applied(tmp_path, "shop")
    service.apply(manifest("other"))

    async def run():
        async with controlled(tmp_path) as controller:
            await until(controller, lambda: "default/other" in fault(controller))

    asyncio.run(run())
    assert [revision.name for revision in service.observed().revisions] == [FIRST]


def test_half_a_manifest_is_not_taken_while_it_is_written(tmp_path):
    """The first half has all that is needed but the canary's percentage: it would promote."""
    service = applied(tmp_path, "shop", canary_percent=5)
    text = (service.folder / state_folder.MANIFEST).read_text()
    head, middle, tail = text.partition("    canaryTrafficPercent: 5\n")
    halves = (head.replace("/models/one", "/models/two"), middle + tail)
    percents = set()

    async def run():
        async with controlled(tmp_path) as controller:
            controller.poll()
            with (service.folder / state_folder.MANIFEST).open("w") as file:
                for half in halves:
                    file.write(half)
                    file.flush()
                    for _ in range(5):
                        controller.poll()
                        percents.add(service.observed().percent)
                        await asyncio.sleep(0.02)
            await until(controller, lambda: len(service.observed().revisions) == 2)

    asyncio.run(run())
    assert percents | {service.observed().percent} == {5}


def test_a_manifest_that_vanishes_for_a_moment_changes_nothing(tmp_path):
    service = applied(tmp_path, "shop")

    async def run():
        async with controlled(tmp_path) as controller:
            controller.poll()
            (service.folder / state_folder.MANIFEST).unlink()
            live(controller).poll()
            assert "is gone" in fault(controller)
            service.replace(manifest("shop"))
            await until(controller, lambda: not fault(controller))

    asyncio.run(run())


def test_a_manifest_that_comes_back_unchanged_is_taken_again(tmp_path):
    """As when a mounted folder goes away for a while."""
    service = applied(tmp_path / "state", "shop")
    service.apply(manifest("shop", canary_percent=5))
    mounted, away = tmp_path / "mounted", tmp_path / "away"
    away.mkdir()
    (service.folder / state_folder.MANIFEST).rename(away / state_folder.MANIFEST)
    (service.folder / state_folder.MANIFEST).symlink_to(mounted / state_folder.MANIFEST)
    away.rename(mounted)

    async def run():
        async with controlled(tmp_path / "state") as controller:
            await until(controller, lambda: service.observed().percent == 5)
            mounted.rename(away)
            live(controller).poll()
            assert "is gone" in fault(controller)
            away.rename(mounted)
            await until(controller, lambda: not fault(controller))

    asyncio.run(run())
    assert service.observed().fault == ""


def test_a_status_that_cannot_be_written_is_written_later(tmp_path):
    service = applied(tmp_path, "shop")

    async def run():
        async with controlled(tmp_path) as controller:
            controller.poll()
            folder = service.folder.rename(tmp_path / "away")
            service.folder.write_text("no folder")
            live(controller).on_failed(FIRST, "no graph")
            assert "cannot be written" in fault(controller)
            service.folder.unlink()
            folder.rename(service.folder)
            await until(controller, lambda: not fault(controller))

    asyncio.run(run())
    assert service.observed().failures == {FIRST: "no graph"}
