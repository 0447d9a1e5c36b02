"""The page of a run in a real browser: widths, light and dark, the frame of KFP."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Tab, started

from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.run_page import page as run_page

HOSTILE = "</title><script>window.harmed = 1</script>"
CHECK = {"metric": "auc", "candidate": 0.9, "limit": "at least 0.7", "passed": True}


def document() -> str:
    states = [State.SUCCEEDED, State.REUSED, State.FAILED, State.SKIPPED, State.PENDING]
    tasks = [
        TaskRecord(
            name=f"if-1/task-{place}",
            after=[f"if-1/task-{before}" for before in range(max(0, place - 2), place)],
            state=state,
            seconds=float(place),
            cause=HOSTILE * 9 if state is State.FAILED else "",
            metadata={"outcome": {"passed": True, "summary": HOSTILE, "deciding": [CHECK]}},
        )
        for place, state in enumerate(states * 3)
    ]
    tasks += [TaskRecord(name=f"wide-{n}", after=["if-1/task-14"]) for n in range(6)]
    return run_page.render(
        RunRecord(
            run_id="a-run",
            pipeline=HOSTILE,
            arguments={"data": "/a/long/path" * 20},
            started="2026-11-29T18:00:00.123+00:00",
            state=State.FAILED,
            tasks=tasks,
            seconds=60.0,
        ),
        Path("/runs/a-run"),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(document(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with started(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.parametrize("width", [390, 600, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_in_light_and_dark(browser: Tab, path: Path, width: int, dark: bool):
    browser.look(width=width, dark=dark)
    browser.open(path.as_uri())
    browser.wait_for(f"document.documentElement.scrollWidth === {width}")
    paper, name = (
        browser.value(f"getComputedStyle(document.querySelector('.graph {part}')).fill")
        for part in ("rect", ".name")
    )
    lightness = [sum(json.loads(f"[{color[4:-1]}]")) for color in (paper, name)]
    assert (lightness[0] < lightness[1]) == dark
    assert browser.value("window.harmed ?? 'unharmed'") == "unharmed"
    assert browser.errors == []


def test_a_task_of_the_graph_leads_to_its_row(browser: Tab, path: Path):
    browser.look(width=1280)
    browser.open(path.as_uri())
    browser.value(
        "document.querySelectorAll('.graph a')[4].dispatchEvent("
        "new MouseEvent('click', {bubbles: true}))"
    )
    browser.wait_for("document.querySelector(':target')?.textContent === 'task-4'")


def test_no_two_tasks_of_the_graph_lie_over_each_other(browser: Tab, path: Path):
    browser.look(width=1280)
    browser.open(path.as_uri())
    boxes = browser.value(
        "[...document.querySelectorAll('.graph rect')].map(r => r.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == 21
    for place, one in enumerate(boxes):
        for two in boxes[:place]:
            apart = one["right"] <= two["left"] or two["right"] <= one["left"]
            assert apart or one["bottom"] <= two["top"] or two["bottom"] <= one["top"]


def test_every_name_fits_into_its_task(browser: Tab, path: Path):
    browser.look(width=1280)
    browser.open(path.as_uri())
    over = browser.value(
        "[...document.querySelectorAll('.graph g')].filter(g => g.querySelector('.name')"
        ".getBoundingClientRect().right > g.querySelector('rect').getBoundingClientRect().right)"
        ".length"
    )
    assert over == 0


def test_the_page_works_in_the_frame_of_kfp_without_a_request(
    browser: Tab, path: Path, tmp_path: Path
):
    frame = tmp_path / "frame.html"
    frame.write_text(
        '<iframe sandbox="allow-scripts" style="width:600px;height:900px"></iframe><script>'
        "addEventListener('message', told => { window.told = told.data; });</script>"
    )
    browser.look(width=640)
    browser.open(frame.as_uri())
    before = len(browser.requests)
    tells = (
        "<script>setInterval(() => parent.postMessage("
        "document.querySelectorAll('th button').length, '*'), 100)</script>"
    )
    source = json.dumps(path.read_text(encoding="utf-8") + tells)
    browser.value(f"document.querySelector('iframe').srcdoc = {source}; 1")
    browser.wait_for("window.told > 1")
    assert [url for url in browser.requests[before:] if not url.startswith("about:")] == []
    assert browser.errors == []
